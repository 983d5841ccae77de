#pragma once

#include <sys/types.h>

#include <vector>

#include "supervisor/os/process_entry.h"

/// Who descends from whom, as /proc tells it. What forks while it is being looked at may be
/// missing.
namespace reeve::os {

/// The children of a process, zombies too; none if it is gone or /proc cannot be read. Costs what
/// the children do where the kernel keeps lists of them (CONFIG_PROC_CHILDREN), else a look at
/// every process.
std::vector<pid_t> children_of(pid_t pid);

/// The process and all that descend from it, as far as they are alive; parents before children.
std::vector<ProcessEntry> tree_of(pid_t top);

/// Whether `top` is the process itself or one that it descends from; also of a zombie.
bool descends_from(pid_t pid, pid_t top);

/// Stops all that descend from the process, round after round until a round finds nobody new, so
/// that nobody forks any more; then kills them. They must all be in one PID namespace with us.
struct Felled {
    std::size_t count = 0;
    bool stood_still = false;  ///< else time ran out, and there may be others
};
Felled fell_below(pid_t top, Duration at_most);

}  // namespace reeve::os
