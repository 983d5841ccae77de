#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "supervisor/os/program.h"
#include "supervisor/os/resource_limit.h"

/// Faults of the supervisor itself where it must not end, as PID 1: whatever process 1 of a PID
/// namespace does with its last breath, all others are killed with it (pid_namespaces(7)).
namespace reeve::os {

/// What programs of this process that were executed one after another have left behind.
struct Faults {
    std::vector<Time> times;  ///< of the last few; by CLOCK_MONOTONIC, oldest first
    std::string runtime_dir;  ///< of the last one that had a fault
};

/// To be called once, before the environment is looked at.
Faults take_faults();

/// From now on SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT, which an escaped exception comes to,
/// make one line on stderr with a backtrace, as offsets for addr2line(1), and execute the program
/// anew with the limits as they were. `faults` are those that there were, and what the next one is
/// to know of this. `program` must stay.
void survive_faults(const Program& program, const std::vector<ResourceLimit>& limits,
                    const Faults& faults);

}  // namespace reeve::os
