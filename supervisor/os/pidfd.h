#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/exit_status.h"
#include "base/fd.h"
#include "base/resource_usage.h"
#include "base/result.h"
#include "base/time.h"

/// Processes by pidfd. A number can pass to a stranger, a pidfd cannot.
namespace reeve::os {

/// A child that has ended. Peeked at it still holds its number; reaped its number is free for
/// others.
struct Ended {
    pid_t pid = 0;
    ExitStatus status;
    ResourceUsage usage;
};

Result<Fd> open_pidfd(pid_t pid);

/// Errno ESRCH when the process has been reaped; a zombie takes any signal.
Result<> send_signal(int pidfd, int signal);

/// Whether there is still a process, be it a zombie, rather than one that was reaped.
bool has_process(int pidfd);

/// The number of the cgroup (v2) that a process is in, or was in when it ended, which is the inode
/// of the cgroup's folder. Nothing where the kernel does not tell: before Linux 6.13, of a reaped
/// process before 6.17.
std::optional<std::uint64_t> cgroup_of(int pidfd);

/// To the process group that the process leads or led, which cannot be a stranger's; does nothing
/// before Linux 6.9.
void signal_group(int pidfd, int signal);

/// How a process that has been reaped by whomsoever ended; nothing before Linux 6.15.
std::optional<ExitStatus> exit_of_reaped(int pidfd);

/// How a process ended that somebody else has not reaped yet: in /proc whoever may look into it can
/// see that. Nothing if it lives, is gone, or may not be looked into.
std::optional<ExitStatus> exit_of_zombie(pid_t pid, int pidfd);

/// How a child ended, if it has; it remains a zombie.
std::optional<Ended> peek_exit(int pidfd);

/// As peek_exit, by number: for children that the caller has not reaped.
std::optional<Ended> peek_exit_of(pid_t child);

/// Whether it is our child and has not been reaped.
bool is_child(pid_t pid);

/// Some child that has ended, if there is one; the same again until it is reaped. While one is
/// left a zombie on purpose, others are found by children_of() (process_tree.h).
std::optional<Ended> peek_any();

/// A child that somebody has stopped and that was not told of yet; SIGCHLD comes for it too.
std::optional<pid_t> take_stopped();

/// Takes a child that has ended off the process table; nothing if it runs, or is not our child.
std::optional<Ended> reap(int pidfd);
std::optional<Ended> reap_pid(pid_t child);
std::optional<Ended> reap_any();

}  // namespace reeve::os
