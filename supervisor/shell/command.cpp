#include "supervisor/shell/command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <string_view>
#include <utility>

#include "supervisor/shell/resumed.h"

namespace reeve::shell {

namespace {

/// Of what a command prints, so much of the end is kept for its failure's sake.
constexpr std::size_t kept_output = 2048;

/// The last lines that say something, on one line: programs tend to put the reason before a
/// summary.
std::string last_words(std::string_view output) {
    std::string words;
    for (int lines = 0; lines < 3 && !output.empty();) {
        const auto newline = output.rfind('\n');
        const auto begin = newline == std::string_view::npos ? 0 : newline + 1;
        const std::string_view line = output.substr(begin);
        output = output.substr(0, begin == 0 ? 0 : newline);
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        words = words.empty() ? std::string(line) : std::string(line).append("; ").append(words);
        ++lines;
    }
    return words;
}

}  // namespace

Command::Command(asio::io_context& io, std::unique_ptr<Containment> tree, Done done)
    : tree_(std::move(tree)), patience_end_(io), done_(std::move(done)), output_(io) {}

bool Command::start(os::SpawnSpec spec, bool captured) {
    Fd writing;
    if (captured) {
        auto opened = open_output();
        if (!opened) {
            answer_ = probes::failure(opened.error());
            finish();
            return false;
        }
        writing = std::move(*opened);
        spec.stdout_fd = spec.stderr_fd = writing.get();
    }
    const auto result =
        tree_->start(std::move(spec), [this](const os::Ended& end) { ended(end.status); });
    if (const auto* failure = std::get_if<os::SpawnFailure>(&result)) {
        answer_ = probes::failure(failure->text(), failure->errnum);
        finish();
        return false;
    }
    if (output_.is_open()) read_output();
    return true;
}

/// The end to write to. It can be read from, too, so that a writer whose supervisor dies goes on,
/// and a successor finds what it has written.
Result<Fd> Command::open_output() {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return system_error("pipe");
    Fd reading(pipe[0]);
    Fd writing(pipe[1]);
    watch_output(std::move(reading));
    const std::string path = "/proc/self/fd/" + std::to_string(writing.get());
    Fd both(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    return both ? std::move(both) : std::move(writing);
}

void Command::watch_output(Fd reading) {
    boost::system::error_code unwatched;
    output_.assign(reading.get(), unwatched);
    if (!unwatched) (void)reading.release();
}

bool Command::resume(const state::Tree& tree, bool captured) {
    const auto told = [this](const os::Ended& end) { ended(end.status); };
    if (!tree_->resume(tree, told)) {
        finish();
        return false;
    }
    const state::Process main = tree_->record().main;
    if (main.pid == 0) {
        // What was left of it is all that there is.
        asio::post(patience_end_.get_executor(), [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->ended(ExitStatus::unknown());
        });
    } else if (captured && find_process(main)) {
        const std::string path = "/proc/" + std::to_string(main.pid) + "/fd/1";
        struct stat status {};
        if (::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode)) {
            if (Fd reading(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)); reading) {
                watch_output(std::move(reading));
            }
        }
        if (output_.is_open()) read_output();
    }
    return true;
}

void Command::end(Duration patience) {
    if (!std::exchange(asked_to_end_, true)) {
        tree_->signal_all(SIGTERM);
        tree_->signal_all(SIGCONT);  // whoever is stopped could not hear it
    }
    patience_end_.expires_after(patience);
    patience_end_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        if (const auto self = weak.lock(); self && !error) self->kill();
    });
}

void Command::kill() { tree_->kill(); }

void Command::read_output() {
    output_.async_read_some(
        asio::buffer(chunk_),
        [weak = weak_from_this()](const boost::system::error_code& error, std::size_t size) {
            const auto self = weak.lock();
            if (error || !self) return;
            self->tail_.append(self->chunk_.data(), size);
            if (self->tail_.size() > 2 * kept_output) {
                self->tail_.erase(0, self->tail_.size() - kept_output);
            }
            self->read_output();
        });
}

void Command::ended(const ExitStatus& status) {
    answer_.yes = status == ExitStatus::exited(0);
    if (!answer_.yes) {
        answer_.what = status.text();
        const std::string words = read_last_words();
        if (!words.empty()) answer_.what.append(": ").append(words);
    }
    if (tree_->empty()) return finish();
    tree_->await_empty([this] { finish(); });
    tree_->kill();
}

/// What may still be in the pipe, no more than it holds, as those whom the command left behind may
/// write on. The chunk may hold what was read but not taken.
std::string Command::read_last_words() {
    if (!output_.is_open()) return "";
    boost::system::error_code error;
    output_.cancel(error);
    output_.non_blocking(true, error);
    std::array<char, 1024> chunk;
    for (int chunks = 0; chunks < 64; ++chunks) {
        const std::size_t size = output_.read_some(asio::buffer(chunk), error);
        if (size == 0) break;
        tail_.append(chunk.data(), size);
    }
    return last_words(tail_);
}

void Command::finish() {
    boost::system::error_code ignored;
    output_.close(ignored);
    patience_end_.cancel();
    done_(std::move(answer_));
}

}  // namespace reeve::shell
