#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstddef>

#include "supervisor/os/resource_limit.h"

namespace reeve::os {

/// What a child was doing when it failed.
enum class ChildStep {
    None,
    Unshare,
    Descriptor,
    Session,
    Limit,
    Nice,
    Directory,
    Groups,
    Gid,
    Uid,
    Exec
};

/// A descriptor of the parent and the number that the child shall know it by.
struct ChildFd {
    int source;
    int target;
    bool move_first;  ///< another entry's target is this one's source
};

/// Descriptors from first to last, both included.
struct FdRange {
    unsigned first;
    unsigned last;
};

/// All that a child needs between its birth and execve, made ready by the parent whose memory it
/// shares. The child writes nothing but the last group, and its own pid.
struct ChildPlan {
    const char* const* candidates = nullptr;  ///< files to execute, tried in order; null ends it
    char* const* argv = nullptr;
    char* const* envp = nullptr;
    char* const* own_pid = nullptr;  ///< where in the environment the child's pid is to be written
    std::size_t own_pid_count = 0;
    const char* working_dir = nullptr;  ///< null: stay
    bool new_session = false;
    mode_t umask = 0;
    bool set_nice = false;
    int nice = 0;
    const ResourceLimit* limits = nullptr;
    std::size_t limit_count = 0;
    bool set_identity = false;
    uid_t uid = 0;
    gid_t gid = 0;
    const gid_t* groups = nullptr;
    std::size_t group_count = 0;

    ChildFd* fds = nullptr;
    std::size_t fd_count = 0;
    int above_targets = 0;          ///< greater than every target
    unsigned first_unneeded = 0;    ///< greater than every source and target
    const FdRange* gaps = nullptr;  ///< what lies between and above the targets, from 0 up
    std::size_t gap_count = 0;
    bool close_range_works = true;
    unsigned highest_fd = 0;  ///< counts where close_range does not work

    ChildStep failed_step = ChildStep::None;
    int errnum = 0;
    std::size_t failed_index = 0;  ///< of the descriptor, limit or candidate
};

/// The child's whole life in our program; `plan` is a ChildPlan. Ends in execve or, with the
/// failure written down, in _exit.
[[noreturn]] int run_child(void* plan);

}  // namespace reeve::os
