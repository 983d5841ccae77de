#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

/// Cgroups of version 2 (cgroups(7)), as something that no process gets out of: no controller is
/// enabled. A cgroup is named by its folder in the file system.
namespace reeve::os {

/// Our own cgroup, if other ones can be made below it and our children be put there, and the kernel
/// kills whole cgroups (5.14): else why not.
struct OwnCgroup {
    std::string folder;
    std::string path;  ///< as /proc/PID/cgroup has it, and as people know it
};
Result<OwnCgroup> find_own_cgroup();

/// The path of the cgroup that this folder is, whether there is one or not.
Result<std::string> cgroup_path_of(std::string_view folder);

/// Errno EEXIST if it is there already.
Result<> make_cgroup(const std::string& folder);
/// The folder, for SpawnSpec::cgroup.
Result<Fd> open_cgroup(const std::string& folder);

/// Whether it or a cgroup below it has a process that is alive; one that is gone has none. Where it
/// cannot be found out (EMFILE), it is taken to have one.
bool is_populated(const std::string& folder);
/// Has exceptional data (POLLPRI) until has_population() is asked of it, and again whenever that
/// may have changed since.
Result<Fd> watch_population(const std::string& folder);
/// is_populated() by way of such a descriptor.
bool has_population(int watched);

/// The processes in it and in those below it. Some of them may have ended meanwhile.
std::vector<pid_t> cgroup_members(const std::string& folder);
/// Whether the process, which may be a zombie, is in the cgroup of this path or in one below it.
bool is_in_cgroup(pid_t pid, std::string_view path);
/// Whether it is known to be in another one; not of a process that is gone or may not be asked.
bool is_out_of_cgroup(pid_t pid, std::string_view path);

/// KILL to every process in it and below it at one blow, those that are about to be forked
/// included. A cgroup that is gone is no error.
Result<> kill_cgroup(const std::string& folder);
/// Removes it and those below it; what still has processes stays.
Result<> remove_cgroup(const std::string& folder);

/// For tests: the same by these texts of /proc/self/cgroup and /proc/self/mountinfo.
Result<OwnCgroup> parse_own_cgroup(std::string_view cgroups, std::string_view mounts);
Result<std::string> parse_cgroup_path(std::string_view folder, std::string_view mounts);

}  // namespace reeve::os
