#include "supervisor/init/signals.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <ctime>

namespace reeve::init {
namespace {

constexpr std::size_t kernel_set_size = NSIG / 8;  // its sets are as long as it has signals

siginfo_t take(const sigset_t& signals, const timespec* limit) {
    for (;;) {
        siginfo_t info{};
        if (syscall(SYS_rt_sigtimedwait, &signals, &info, limit, kernel_set_size) >= 0) return info;
        if (limit != nullptr) return siginfo_t{};
        // Stopped and continued, which interrupts the waiting.
    }
}

constexpr timespec at_once = {0, 0};

}  // namespace

sigset_t every_signal() {
    sigset_t all;
    std::memset(&all, 0xff, sizeof all);
    return all;
}

sigset_t set_signal_mask(const sigset_t& mask) {
    sigset_t before;
    sigemptyset(&before);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, kernel_set_size);
    return before;
}

siginfo_t next_signal(bool wait) { return take(every_signal(), wait ? nullptr : &at_once); }

bool take_signal(int signal) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    return take(one, &at_once).si_signo != 0;
}

}  // namespace reeve::init
