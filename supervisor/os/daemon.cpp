#include "supervisor/os/daemon.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>

#include "base/exit_status.h"
#include "supervisor/os/files.h"
#include "supervisor/os/process.h"

namespace reeve::os {
namespace {

void close_inherited() {
    constexpr unsigned first = STDERR_FILENO + 1;
    if (close_range(first, UINT_MAX, 0) == 0) return;
    // Before Linux 5.9. A limit that was lowered since leaves those above it open.
    const long limit = std::clamp<long>(sysconf(_SC_OPEN_MAX), 1024, 65536);
    for (long fd = first; fd < limit; ++fd) close(static_cast<int>(fd));
}

/// Nothing comes from the descriptor and whatever goes there is lost.
Result<> close_off(int fd) {
    Fd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!nothing) nothing.reset(open("/", O_PATH | O_CLOEXEC));  // a bare root may lack it
    if (!nothing || dup2(nothing.get(), fd) < 0) {
        return system_error("cannot close off descriptor " + std::to_string(fd));
    }
    return {};
}

ExitStatus end_of(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) return ExitStatus::unknown();
    }
    return WIFEXITED(status) ? ExitStatus::exited(WEXITSTATUS(status))
                             : ExitStatus::killed(WTERMSIG(status), WCOREDUMP(status));
}

std::string read_to_end(int fd) {
    std::string text;
    std::array<char, 4096> buffer;
    for (;;) {
        const ssize_t n = read(fd, buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
}

constexpr std::size_t kHead = sizeof(pid_t) + 2;

/// Through the pipe comes the daemon's pid, and later its last word: the exit status and what is to
/// come, a byte each, and the text.
Result<int> hear(int pipe) {
    const std::string heard = read_to_end(pipe);
    pid_t pid = 0;
    std::memcpy(&pid, heard.data(), std::min(heard.size(), sizeof pid));
    const bool told = heard.size() >= kHead;
    const int status = told ? static_cast<unsigned char>(heard[sizeof pid]) : 1;
    if (told) {
        (void)write_all(STDERR_FILENO, std::string_view(heard).substr(kHead));
        if (heard[sizeof pid + 1] == static_cast<char>(Caller::Then::GoOn)) return status;
    }
    // Whoever tries again at once shall not meet one that is about to end.
    const ExitStatus end = pid > 0 ? end_of(pid) : ExitStatus::unknown();
    if (told || end.code) return status;
    return error("cannot boot: the daemon " +
                 (end.signal ? "was " + end.text() : std::string("has ended")));
}

/// What is left to be done once nobody can give the process a terminal any more.
Result<> settle_down(int pipe) {
    // The parent has ended: whoever called is our parent now, and hears of our end even if it is
    // not of our choosing.
    const pid_t pid = getpid();
    std::array<char, sizeof pid> bytes;
    std::memcpy(bytes.data(), &pid, sizeof pid);
    if (auto written = write_all(pipe, {bytes.data(), bytes.size()}); !written) return written;
    umask(0);
    if (chdir("/") != 0) return system_error("cannot change to /");
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO}) {
        if (auto closed = close_off(fd); !closed) return closed;
    }
    return {};
}

}  // namespace

void Caller::tell(int status, std::string_view text, Then then) {
    const std::array<char, kHead - sizeof(pid_t)> head = {static_cast<char>(status),
                                                          static_cast<char>(then)};
    const std::string word = std::string(head.data(), head.size()).append(text);
    fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
    (void)write_all(pipe_.get(), word);
    pipe_.reset();
}

Result<std::variant<Caller, int>> daemonize() {
    if (auto opened = open_standard_descriptors(); !opened) return opened.error();
    close_inherited();
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("cannot make a pipe");
    Fd reading(ends[0]), writing(ends[1]);
    // So that the daemon becomes our child when its parent has gone, and that we may wait for it.
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    std::signal(SIGCHLD, SIG_DFL);
    const pid_t leader = fork();
    if (leader < 0) return system_error("cannot fork");
    if (leader > 0) {
        writing.reset();
        // Its exit status is an errno.
        if (const int errnum = end_of(leader).shell_status()) {
            return system_error("cannot fork", errnum);
        }
        auto heard = hear(reading.get());
        if (!heard) return heard.error();
        return std::variant<Caller, int>(*heard);
    }
    reading.reset();
    setsid();
    const pid_t daemon = fork();
    if (daemon != 0) _exit(daemon < 0 ? errno : 0);
    if (auto settled = settle_down(writing.get()); !settled) return settled.error();
    return std::variant<Caller, int>(Caller(std::move(writing)));
}

Result<> close_off_stderr() { return close_off(STDERR_FILENO); }

}  // namespace reeve::os
