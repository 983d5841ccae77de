#pragma once

#include <sys/types.h>

#include <vector>

#include "supervisor/os/process_entry.h"

/// Who descends from whom, as /proc tells it. What forks while it is being looked at may be
/// missing, so who wants to end a tree looks until nothing is left.
namespace reeve::os {

/// The children of a process, zombies too; none if it is gone or /proc cannot be read. Costs what
/// the children do where the kernel keeps lists of them (CONFIG_PROC_CHILDREN), else a look at
/// every process.
std::vector<pid_t> children_of(pid_t pid);

/// The process and all that descend from it, as far as they are alive; parents before children.
std::vector<ProcessEntry> tree_of(pid_t top);

}  // namespace reeve::os
