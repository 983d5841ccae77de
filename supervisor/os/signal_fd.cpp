#include "supervisor/os/signal_fd.h"

#include <unistd.h>

#include <array>
#include <cerrno>

namespace reeve::os {

sigset_t signal_set(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) sigaddset(&set, signal);
    return set;
}

Result<Fd> make_signal_fd(const sigset_t& signals) {
    Fd fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) return system_error("cannot make a signal descriptor");
    return fd;
}

std::vector<signalfd_siginfo> read_signals(int signal_fd) {
    std::vector<signalfd_siginfo> all;
    std::array<signalfd_siginfo, 16> some;
    for (;;) {
        const ssize_t n = read(signal_fd, some.data(), sizeof some);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return all;
        all.insert(all.end(), some.data(),
                   some.data() + static_cast<std::size_t>(n) / sizeof(signalfd_siginfo));
    }
}

}  // namespace reeve::os
