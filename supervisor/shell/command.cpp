#include "supervisor/shell/command.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <string_view>
#include <utility>

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

Command::Command(asio::io_context& io, Children& children, Done done)
    : children_(children), done_(std::move(done)), output_(io) {}

void Command::start(os::Spawner& spawner, os::SpawnSpec spec, bool captured) {
    Fd writing;
    if (captured) {
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return finish(false, system_error("pipe").text());
        Fd reading(pipe[0]);
        writing.reset(pipe[1]);
        spec.stdout_fd = spec.stderr_fd = writing.get();
        boost::system::error_code unwatched;
        output_.assign(reading.get(), unwatched);
        if (!unwatched) (void)reading.release();
    }
    auto result = spawner.spawn(spec);
    if (const auto* failure = std::get_if<os::SpawnFailure>(&result)) {
        return finish(false, failure->text());
    }
    auto& spawned = std::get<os::Spawned>(result);
    const auto added = children_.add(
        spawned.pid, std::move(spawned.pidfd),
        [self = shared_from_this()](const os::Ended& end) { self->ended(end.status); });
    if (!added) return finish(false, added.error().text());
    pid_ = spawned.pid;
    if (output_.is_open()) read_output();
}

void Command::cancel() {
    done_ = nullptr;
    // The process is released when its end is seen.
    if (pid_ != 0) children_.signal_group(pid_, SIGKILL);
}

void Command::read_output() {
    output_.async_read_some(
        asio::buffer(chunk_),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
            if (error) return;
            self->tail_.append(self->chunk_.data(), size);
            if (self->tail_.size() > 2 * kept_output) {
                self->tail_.erase(0, self->tail_.size() - kept_output);
            }
            self->read_output();
        });
}

void Command::ended(const ExitStatus& status) {
    if (status == ExitStatus::exited(0)) return finish(true, "");
    std::string words;
    if (output_.is_open()) {
        // Its last words may still be in the pipe: no more than the pipe holds, as those whom the
        // command left behind may write on for ever. The chunk may hold what was read but not
        // taken.
        boost::system::error_code error;
        output_.cancel(error);
        output_.non_blocking(true, error);
        std::array<char, 1024> chunk;
        for (int chunks = 0; chunks < 64; ++chunks) {
            const std::size_t size = output_.read_some(asio::buffer(chunk), error);
            if (size == 0) break;
            tail_.append(chunk.data(), size);
        }
        words = last_words(tail_);
    }
    std::string what = status.text();
    if (!words.empty()) what.append(": ").append(words);
    finish(false, std::move(what));
}

void Command::finish(bool succeeded, std::string what) {
    if (pid_ != 0) {
        children_.signal_group(pid_, SIGKILL);
        children_.release(pid_);
    }
    boost::system::error_code ignored;
    output_.close(ignored);
    if (const auto done = std::exchange(done_, nullptr)) done(succeeded, std::move(what));
}

}  // namespace reeve::shell
