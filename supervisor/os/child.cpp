// The only code that runs between clone and execve. The child shares the parent's memory and runs
// while the calling thread stands still, but other threads do not: so nothing in here allocates,
// locks, or calls into libc beyond syscall(2). That goes for setuid(3) and its kin as well, which
// would make the parent's other threads follow. Compiled without sanitizers.

#include "supervisor/os/child.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>

namespace reeve::os {
namespace {

constexpr int kSignals = 64;
constexpr std::size_t kSignalSetSize = 8;  // of the kernel's sigset_t, in bytes

[[noreturn]] void leave() {
    for (;;) syscall(SYS_exit_group, 127);
}

[[noreturn]] void fail(ChildPlan& plan, ChildStep step, std::size_t index = 0) {
    plan.errnum = errno;
    plan.failed_index = index;
    plan.failed_step = step;
    leave();
}

/// First of all: whoever made us may be gone, and its successor looks for us.
void write_birth(Birth* birth) {
    if (birth == nullptr) return;
    syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &birth->moment);
    birth->pid = static_cast<pid_t>(syscall(SYS_getpid));
}

void reset_dispositions() {
    // The kernel's struct sigaction, of all zeroes: SIG_DFL, no flags, no mask. execve would reset
    // handlers but keep what is ignored. libc's sigaction() leaves out the signals it uses itself.
    const std::uint64_t by_default[4] = {};
    for (int signal = 1; signal <= kSignals; ++signal) {
        if (signal == SIGKILL || signal == SIGSTOP) continue;
        syscall(SYS_rt_sigaction, signal, by_default, nullptr, kSignalSetSize);
    }
}

void enter_cgroup(ChildPlan& plan) {
    if (plan.cgroup < 0) return;
    const long procs = syscall(SYS_openat, plan.cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (procs < 0 || syscall(SYS_write, procs, "0", 1) != 1) fail(plan, ChildStep::Cgroup);
    // The table is still the parent's.
    syscall(SYS_close, procs);
}

void leave_shared_table(ChildPlan& plan) {
    // Taking along only the lowest descriptors is what keeps the cost of a spawn independent of how
    // many the parent has open.
    const long left = plan.close_range_works
                          ? syscall(SYS_close_range, plan.first_unneeded, ~0U, CLOSE_RANGE_UNSHARE)
                          : syscall(SYS_unshare, CLONE_FILES);
    if (left != 0) fail(plan, ChildStep::Unshare);
}

void wire_descriptors(ChildPlan& plan) {
    for (std::size_t i = 0; i < plan.fd_count; ++i) {
        ChildFd& fd = plan.fds[i];
        if (!fd.move_first) continue;
        const long moved = syscall(SYS_fcntl, fd.source, F_DUPFD_CLOEXEC, plan.above_targets);
        if (moved < 0) fail(plan, ChildStep::Descriptor, i);
        fd.source = static_cast<int>(moved);
    }
    for (std::size_t i = 0; i < plan.fd_count; ++i) {
        const ChildFd& fd = plan.fds[i];
        const long wired = fd.source == fd.target ? syscall(SYS_fcntl, fd.source, F_SETFD, 0)
                                                  : syscall(SYS_dup3, fd.source, fd.target, 0);
        if (wired < 0) fail(plan, ChildStep::Descriptor, i);
    }
}

void close_others(const ChildPlan& plan) {
    for (std::size_t i = 0; i < plan.gap_count; ++i) {
        const FdRange gap = plan.gaps[i];
        if (plan.close_range_works) {
            syscall(SYS_close_range, gap.first, gap.last, 0);
            continue;
        }
        for (unsigned fd = gap.first; fd <= gap.last && fd <= plan.highest_fd; ++fd) {
            syscall(SYS_close, fd);
        }
    }
}

void set_limits(ChildPlan& plan) {
    for (std::size_t i = 0; i < plan.limit_count; ++i) {
        const ResourceLimit& limit = plan.limits[i];
        const std::uint64_t value[2] = {limit.value.rlim_cur, limit.value.rlim_max};
        if (syscall(SYS_prlimit64, 0, limit.resource, value, nullptr) != 0) {
            fail(plan, ChildStep::Limit, i);
        }
    }
    if (plan.set_nice && syscall(SYS_setpriority, PRIO_PROCESS, 0, plan.nice) != 0) {
        fail(plan, ChildStep::Nice);
    }
}

/// Before the limits, which may leave no descriptor for it, and before the root that has no /proc.
void set_oom_score(ChildPlan& plan) {
    if (plan.oom_score_adj == nullptr) return;
    const long fd =
        syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0) fail(plan, ChildStep::OomScore);
    std::size_t size = 0;
    while (plan.oom_score_adj[size] != 0) ++size;
    if (syscall(SYS_write, fd, plan.oom_score_adj, size) < 0) fail(plan, ChildStep::OomScore);
    syscall(SYS_close, fd);
}

void set_scheduling(ChildPlan& plan) {
    if (plan.set_scheduler) {
        // The kernel's struct sched_param.
        const int priority = plan.scheduler_priority;
        if (syscall(SYS_sched_setscheduler, 0, plan.scheduler, &priority) != 0) {
            fail(plan, ChildStep::Scheduler);
        }
    }
    if (plan.cpus != nullptr && syscall(SYS_sched_setaffinity, 0, plan.cpus_size, plan.cpus) != 0) {
        fail(plan, ChildStep::Affinity);
    }
    constexpr int who_process = 1;  // IOPRIO_WHO_PROCESS, which older headers lack
    if (plan.set_io_priority && syscall(SYS_ioprio_set, who_process, 0, plan.io_priority) != 0) {
        fail(plan, ChildStep::IoPriority);
    }
}

/// While there still is the right to. What is cut off here no exec gives back.
void cut_bounding_set(ChildPlan& plan) {
    if (!plan.set_capabilities) return;
    const std::uint64_t surplus = plan.bounding & ~plan.capabilities;
    for (unsigned i = 0; i < 64; ++i) {
        if ((surplus >> i & 1) == 0) continue;
        if (syscall(SYS_prctl, PR_CAPBSET_DROP, i, 0, 0, 0) != 0) {
            fail(plan, ChildStep::Bounding, i);
        }
    }
    // Else a change of user takes all of them; execve turns it off again.
    if (plan.set_identity && syscall(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
        fail(plan, ChildStep::Capabilities);
    }
}

void set_capabilities(ChildPlan& plan) {
    if (!plan.set_capabilities) return;
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    for (unsigned half = 0; half < 2; ++half) {
        const auto bits = static_cast<std::uint32_t>(plan.capabilities >> (32 * half));
        data[half].effective = data[half].permitted = data[half].inheritable = bits;
    }
    if (syscall(SYS_capset, &header, data) != 0) fail(plan, ChildStep::Capabilities);
    // Ambient ones are what another user than root still has after execve.
    if (syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
        fail(plan, ChildStep::Capabilities);
    }
    for (unsigned i = 0; i < 64; ++i) {
        if ((plan.capabilities >> i & 1) == 0) continue;
        if (syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) != 0) {
            fail(plan, ChildStep::Capabilities);
        }
    }
}

void set_identity(ChildPlan& plan) {
    if (!plan.set_identity) return;
    if (syscall(SYS_setgroups, plan.group_count, plan.groups) != 0) fail(plan, ChildStep::Groups);
    if (syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) != 0) fail(plan, ChildStep::Gid);
    if (syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) != 0) fail(plan, ChildStep::Uid);
}

void write_own_pid(const ChildPlan& plan) {
    if (plan.own_pid_count == 0) return;
    char digits[16];
    std::size_t count = 0;
    for (long pid = syscall(SYS_getpid); pid > 0; pid /= 10) {
        digits[count++] = static_cast<char>('0' + pid % 10);
    }
    for (std::size_t i = 0; i < plan.own_pid_count; ++i) {
        for (std::size_t j = 0; j < count; ++j) plan.own_pid[i][j] = digits[count - 1 - j];
    }
}

bool worth_another_try(int errnum) {
    switch (errnum) {
        case EACCES:
        case ENOENT:
        case ENOTDIR:
        case ESTALE:
        case ENODEV:
        case ETIMEDOUT:
            return true;
        default:
            return false;
    }
}

[[noreturn]] void execute(ChildPlan& plan) {
    if (plan.program >= 0) {
        syscall(SYS_fcntl, plan.program, F_SETFD, FD_CLOEXEC);
        syscall(SYS_execveat, plan.program, "", plan.argv, plan.envp, AT_EMPTY_PATH);
        fail(plan, ChildStep::Exec);
    }
    std::size_t culprit = 0;
    int errnum = ENOENT;
    for (std::size_t i = 0; plan.candidates[i] != nullptr; ++i) {
        syscall(SYS_execve, plan.candidates[i], plan.argv, plan.envp);
        if (!worth_another_try(errno)) fail(plan, ChildStep::Exec, i);
        // The first file that is there but may not be executed counts more than any that is not.
        if (errnum == EACCES) continue;
        errnum = errno;
        culprit = i;
    }
    errno = errnum;
    fail(plan, ChildStep::Exec, culprit);
}

void close_all_above_1(const KeeperPlan& plan) {
    if (plan.close_range_works) {
        syscall(SYS_close_range, 2, ~0U, 0);
        return;
    }
    for (unsigned fd = 2; fd <= plan.highest_fd; ++fd) syscall(SYS_close, fd);
}

}  // namespace

int run_child(void* argument) {
    ChildPlan& plan = *static_cast<ChildPlan*>(argument);
    write_birth(plan.birth);
    reset_dispositions();
    enter_cgroup(plan);
    leave_shared_table(plan);
    if (plan.new_session && syscall(SYS_setsid) < 0) fail(plan, ChildStep::Session);
    // Before the limits: the sources' numbers may be above what the child is allowed.
    wire_descriptors(plan);
    close_others(plan);
    syscall(SYS_umask, plan.umask);
    set_oom_score(plan);
    set_limits(plan);
    set_scheduling(plan);
    // The right to enter a root goes with the identity, and so may that to reach its folder.
    if (plan.root_dir != nullptr &&
        (syscall(SYS_chroot, plan.root_dir) != 0 || syscall(SYS_chdir, "/") != 0)) {
        fail(plan, ChildStep::Root);
    }
    if (plan.working_dir != nullptr && syscall(SYS_chdir, plan.working_dir) != 0) {
        fail(plan, ChildStep::Directory);
    }
    cut_bounding_set(plan);
    set_identity(plan);
    set_capabilities(plan);
    if (plan.no_new_privileges && syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        fail(plan, ChildStep::NoNewPrivileges);
    }
    // Only now: a signal that came earlier finds default dispositions, never the parent's handlers.
    const std::uint64_t none = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kSignalSetSize);
    write_own_pid(plan);
    execute(plan);
}

int run_keeper(void* argument) {
    KeeperPlan& plan = *static_cast<KeeperPlan*>(argument);
    write_birth(plan.birth);
    // Before there is a child, so that none of its descendants can get past it.
    syscall(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    constexpr int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD;
    plan.main_pid = clone(run_child, plan.main_stack, flags, plan.main, &plan.main_pidfd);
    if (plan.main_pid < 0) plan.clone_errnum = errno;
    if (plan.main_pid < 0) leave();
    if (plan.main->failed_step != ChildStep::None) {
        syscall(SYS_waitid, P_PID, plan.main_pid, nullptr, WEXITED, nullptr);
        leave();
    }
    syscall(SYS_chdir, "/");
    const long left = plan.close_range_works
                          ? syscall(SYS_close_range, plan.first_unneeded, ~0U, CLOSE_RANGE_UNSHARE)
                          : syscall(SYS_unshare, CLONE_FILES);
    if (left == 0 && syscall(SYS_dup3, plan.report, 0, 0) == 0 &&
        syscall(SYS_dup3, plan.image, 1, O_CLOEXEC) == 1) {
        close_all_above_1(plan);
        char* const no_environment[] = {nullptr};
        syscall(SYS_execveat, 1, "", plan.argv, no_environment, AT_EMPTY_PATH);
    }
    plan.exec_errnum = errno;
    leave();
}

}  // namespace reeve::os
