#pragma once

#include <csignal>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/result.h"
#include "supervisor/os/resource_limit.h"

namespace reeve::os {

/// What the process found when it was started and has changed for itself since.
struct Inherited {
    sigset_t mask;                      ///< signals that were blocked
    sigset_t ignored;                   ///< signals that were ignored
    std::vector<ResourceLimit> limits;  ///< to be given back to children
};

/// How many more descriptors the process may open (RLIMIT_NOFILE, getrlimit(2)); nothing where
/// /proc does not say how many are open.
std::optional<std::size_t> descriptors_left();

/// Whichever of 0, 1 and 2 is closed is opened on nothing, so that no other file takes its number.
Result<> open_standard_descriptors();

/// Gives the process a supervisor's manners; to be called first in main(), while there is one
/// thread. Afterwards 0, 1 and 2 are open, SIGPIPE and SIGXFSZ are ignored and every other
/// disposition is default, exactly `read_signals` are blocked (for make_signal_fd), orphans among
/// the descendants become children, and as many descriptors may be open and files be as large as
/// the system allows.
Result<Inherited> become_supervisor(const sigset_t& read_signals);

}  // namespace reeve::os
