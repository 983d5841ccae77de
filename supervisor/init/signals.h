#pragma once

#include <csignal>

namespace reeve::init {

/// Every signal that the kernel knows, also the two that libc keeps for itself and leaves out of
/// what its own functions block: to a process of one thread they are signals like any other.
sigset_t every_signal();

/// Makes this the mask; what it was before.
sigset_t set_signal_mask(const sigset_t& mask);

/// Takes the next pending signal, of those that are blocked; waits for one, or else returns one
/// whose si_signo is 0.
siginfo_t next_signal(bool wait);

/// Takes this signal if it is pending.
bool take_signal(int signal);

}  // namespace reeve::init
