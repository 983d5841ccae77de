#include "supervisor/shell/upgrade.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "supervisor/shell/environment.h"

namespace reeve::shell {

namespace {

constexpr Duration patience = 30s;
constexpr rlim_t most_said = 1 << 20;

/// The beginning of what it has said.
std::string read_start(int fd) {
    std::array<char, 2048> text;
    const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
    std::string said(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!said.empty() && said.back() == '\n') said.pop_back();
    return said;
}

/// For a place where lines are told one at a time.
std::string on_one_line(const std::string& text) {
    std::string line;
    for (const char c : text) {
        if (c == '\n') {
            line += "; ";
        } else {
            line += c;
        }
    }
    return line;
}

}  // namespace

void Trial::begin(const std::string& path, const os::Program& own,
                  std::unique_ptr<Containment> tree, Done done) {
    done_ = std::move(done);
    too_slow_ = false;
    os::SpawnSpec spec;
    spec.argv.push_back(path);
    spec.argv.insert(spec.argv.end(), own.arguments().begin(), own.arguments().end());
    spec.argv.emplace_back("--can-resume");
    for (const auto& [name, value] : own_environment()) spec.env.push_back(name + "=" + value);
    spec.working_dir = own.start_dir();
    // What it says is read to a line.
    spec.limits.push_back({RLIMIT_FSIZE, {most_said, most_said}});
    const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (null) spec.stdin_fd = null.get();
    output_.reset(::memfd_create("reeve-trial", MFD_CLOEXEC));
    if (output_) spec.stdout_fd = spec.stderr_fd = output_.get();
    command_ = std::make_shared<Command>(
        io_, std::move(tree), [this, path](const probes::Answer& answer) { ended(path, answer); });
    patience_.expires_after(patience);
    patience_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        too_slow_ = true;
        command_->kill();
    });
    command_->start(std::move(spec), false);
}

void Trial::ended(const std::string& path, const probes::Answer& answer) {
    patience_.cancel();
    const std::string said = output_ ? read_start(output_.get()) : "";
    const std::string word = said.substr(0, said.find('\n'));
    Result<std::string> result(word);
    if (too_slow_) {
        result =
            error(path + " has not shown within " + in_words(patience) + " that it can take over");
    } else if (!answer.yes) {
        result =
            error(path + " cannot take over: " + (said.empty() ? answer.what : on_one_line(said)));
    } else if (word.find(can_take_over) == std::string::npos) {
        result = error(path + " cannot take over: it does not say that it can; is it a reeved?");
    }
    // It is the command that calls us.
    asio::post(io_, [command = std::move(command_), done = std::exchange(done_, nullptr),
                     result = std::move(result)] { done(result); });
}

}  // namespace reeve::shell
