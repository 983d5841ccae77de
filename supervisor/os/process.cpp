#include "supervisor/os/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "supervisor/os/directory.h"
#include "supervisor/os/files.h"

namespace reeve::os {
namespace {

constexpr rlim_t kManyDescriptors = 1 << 20;  // 10,000 services with a hundred each

sigset_t ignored_signals() {
    sigset_t ignored;
    sigemptyset(&ignored);
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        struct sigaction action {};
        if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
            sigaddset(&ignored, signal);
        }
    }
    return ignored;
}

void reset_dispositions() {
    struct sigaction action {};
    sigemptyset(&action.sa_mask);
    action.sa_handler = SIG_DFL;
    // KILL, STOP and those that libc uses itself refuse, which is as it should be.
    for (int signal = 1; signal <= SIGRTMAX; ++signal) sigaction(signal, &action, nullptr);
    // Where one cannot write, the error says so.
    action.sa_handler = SIG_IGN;
    for (const int signal : {SIGPIPE, SIGXFSZ}) sigaction(signal, &action, nullptr);
}

/// What fs.nr_open allows, but no more than anybody needs: it may be a thousand million.
rlim_t most_descriptors() {
    const auto text = read_file("/proc/sys/fs/nr_open", 64);
    rlim_t allowed = kManyDescriptors;
    if (text) std::from_chars(text->data(), text->data() + text->size(), allowed);
    return std::min(allowed, kManyDescriptors);
}

/// Returns the limit as it was.
Result<rlimit> raise_descriptor_limit() {
    rlimit original{};
    if (getrlimit(RLIMIT_NOFILE, &original) != 0) {
        return system_error("cannot read the limit of descriptors");
    }
    const rlim_t most = std::max(original.rlim_max, most_descriptors());
    const rlimit wanted{most, most};
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) return original;
    const rlimit allowed{original.rlim_max, original.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &allowed) == 0) return original;
    return system_error("cannot raise the limit of descriptors");
}

/// What its caller allows single programs says nothing of logs, or of memory files; a hard limit
/// does. Returns it as it was, if that is another one.
std::optional<rlimit> raise_file_size_limit() {
    rlimit original{};
    if (getrlimit(RLIMIT_FSIZE, &original) != 0 || original.rlim_cur == original.rlim_max) {
        return std::nullopt;
    }
    const rlimit allowed{original.rlim_max, original.rlim_max};
    if (setrlimit(RLIMIT_FSIZE, &allowed) != 0) return std::nullopt;
    return original;
}

}  // namespace

std::optional<std::size_t> descriptors_left() {
    constexpr const char* folder = "/proc/self/fd";
    rlimit limit{};
    struct stat status {};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || stat(folder, &status) != 0) return std::nullopt;
    // Since Linux 6.2 its size is how many there are; before that it is 0.
    auto open = static_cast<std::size_t>(status.st_size);
    const auto count = [&](std::string_view name) { open += decimal(name) ? 1 : 0; };
    if (open == 0 && !for_each_name(folder, count)) return std::nullopt;
    return limit.rlim_cur > open ? limit.rlim_cur - open : 0;
}

Result<> open_standard_descriptors() {
    for (int fd = 0; fd <= 2; ++fd) {
        if (fcntl(fd, F_GETFD) >= 0) continue;
        // Lower ones are open by now, so open() gives this very number. Without /dev/null at least
        // the number must be taken, or the next file opened would be written to as stderr.
        // Children may inherit them.  NOLINTNEXTLINE(android-cloexec-open)
        if (open("/dev/null", O_RDWR) == fd || open("/", O_PATH) == fd) continue;
        return system_error("cannot open descriptor " + std::to_string(fd));
    }
    return {};
}

Result<Inherited> become_supervisor(const sigset_t& read_signals) {
    if (const auto opened = open_standard_descriptors(); !opened) return opened.error();
    Inherited inherited{};
    inherited.ignored = ignored_signals();
    // Blocked before anything is reset: a signal that comes in between waits for its reader.
    const int errnum = pthread_sigmask(SIG_SETMASK, &read_signals, &inherited.mask);
    if (errnum != 0) return system_error("cannot set the signal mask", errnum);
    reset_dispositions();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
        return system_error("cannot become the reaper of orphans");
    }
    const auto descriptors = raise_descriptor_limit();
    if (!descriptors) return descriptors.error();
    inherited.limits.push_back({RLIMIT_NOFILE, *descriptors});
    if (const auto size = raise_file_size_limit())
        inherited.limits.push_back({RLIMIT_FSIZE, *size});
    return inherited;
}

}  // namespace reeve::os
