#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

#include "supervisor/os/birth.h"
#include "supervisor/os/resource_limit.h"

namespace reeve::os {

/// What a child was doing when it failed.
enum class ChildStep {
    None,
    Cgroup,
    Unshare,
    Descriptor,
    Session,
    Limit,
    Nice,
    OomScore,
    Scheduler,
    Affinity,
    IoPriority,
    Root,
    Directory,
    Bounding,
    Groups,
    Gid,
    Uid,
    Capabilities,
    NoNewPrivileges,
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
/// shares. The child writes nothing but the last group, its birth, and its own pid.
struct ChildPlan {
    Birth* birth = nullptr;                   ///< null: not to be written
    const char* const* candidates = nullptr;  ///< files to execute, tried in order; null ends it
    int program = -1;  ///< a descriptor's target; executed rather than a candidate
    char* const* argv = nullptr;
    char* const* envp = nullptr;
    char* const* own_pid = nullptr;  ///< where in the environment the child's pid is to be written
    std::size_t own_pid_count = 0;
    const char* working_dir = nullptr;  ///< null: stay
    int cgroup = -1;                    ///< folder of one that it is not born in, but shall enter
    bool new_session = false;
    mode_t umask = 0;
    bool set_nice = false;
    int nice = 0;
    const ResourceLimit* limits = nullptr;
    std::size_t limit_count = 0;
    const char* oom_score_adj = nullptr;  ///< as text; null: leave it
    const unsigned char* cpus = nullptr;  ///< a mask as sched_setaffinity(2) has it; null: any
    std::size_t cpus_size = 0;
    bool set_scheduler = false;
    int scheduler = 0;
    int scheduler_priority = 0;
    bool set_io_priority = false;
    int io_priority = 0;             ///< class and level in one
    const char* root_dir = nullptr;  ///< null: stay
    bool no_new_privileges = false;
    bool set_capabilities = false;
    std::uint64_t capabilities = 0;  ///< a bit each
    std::uint64_t bounding = 0;      ///< those that the bounding set has now
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
    std::size_t failed_index = 0;  ///< of the descriptor, limit, capability or candidate
};

/// The child's whole life in our program; `plan` is a ChildPlan. Ends in execve or, with the
/// failure written down, in _exit.
[[noreturn]] int run_child(void* plan);

/// What a keeper needs before it executes its program (keeper.h): it makes the child that `main`
/// is the plan of, in its own memory just as it is itself in ours. It writes no more than the last
/// group and its birth.
struct KeeperPlan {
    Birth* birth = nullptr;  ///< null: not to be written
    ChildPlan* main = nullptr;
    char* main_stack = nullptr;  ///< its upper end
    int image = -1;              ///< the program; neither is 0, 1 or 2
    int report = -1;             ///< the pipe that becomes its descriptor 0
    char* const* argv = nullptr;
    unsigned first_unneeded = 0;  ///< greater than both
    bool close_range_works = true;
    unsigned highest_fd = 0;  ///< counts where close_range does not work

    pid_t main_pid = -1;
    int main_pidfd = -1;   ///< in the parent's table
    int clone_errnum = 0;  ///< why there is no main process; what else it failed on, its plan says
    int exec_errnum = 0;   ///< why there is no keeper, though there is a main process
};

/// The keeper's whole life in our program; `plan` is a KeeperPlan.
[[noreturn]] int run_keeper(void* plan);

}  // namespace reeve::os
