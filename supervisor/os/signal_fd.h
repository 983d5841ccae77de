#pragma once

#include <sys/signalfd.h>

#include <csignal>
#include <initializer_list>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::os {

sigset_t signal_set(std::initializer_list<int> signals);

/// A descriptor (non-blocking) that is readable while one of these signals is pending. They are to
/// be blocked, see become_supervisor() in process.h.
Result<Fd> make_signal_fd(const sigset_t& signals);

/// All that are pending now; one entry may stand for several arrivals of the same signal.
std::vector<signalfd_siginfo> read_signals(int signal_fd);

}  // namespace reeve::os
