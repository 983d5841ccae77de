#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "supervisor/os/process_entry.h"

/// Who descends from whom, as /proc tells it.
namespace reeve::os {

/// Our own children, those adopted as their reaper included, zombies too: made by or re-parented to
/// the main thread. Nothing where the kernel does not tell; ProcessTable always does.
std::optional<std::vector<pid_t>> own_children();

/// The REEVE_INVOCATION_ID in a process's environment; nothing if it has none or may not be read.
std::optional<std::string> invocation_of(pid_t pid);

/// How to recognise what belongs to one run of a service. Its main process, while it lives or is a
/// zombie, is `main_pid`, a session leader; its environment has REEVE_INVOCATION_ID.
struct RunMarks {
    pid_t main_pid = 0;
    std::uint64_t main_start_time = 0;  ///< 0: not known, then main_pid must not have been reaped
    std::string invocation_id;
};

/// A process that belongs to a run: the index of the run's marks.
struct Member {
    ProcessEntry process;
    std::size_t run = 0;
};

/// All processes of one look through /proc, which is not a snapshot: what forks meanwhile may be
/// missing, so who wants to end a tree looks until nothing is left.
class ProcessTable {
  public:
    /// Empty where /proc cannot be read.
    static ProcessTable scan();

    /// A table of these, for whom the supervisor is process `self`.
    ProcessTable(std::vector<ProcessEntry> processes, pid_t self);

    std::span<const ProcessEntry> processes() const { return processes_; }  ///< by number
    const ProcessEntry* find(pid_t pid) const;
    std::vector<ProcessEntry> children_of(pid_t pid) const;
    /// Parents before their children.
    std::vector<ProcessEntry> descendants_of(pid_t pid) const;
    bool is_below(pid_t pid, pid_t ancestor) const;

    /// The live processes that belong to one of these runs, by number. A process belongs to the run
    /// whose main process it is or descends from. One that has been re-parented to us belongs, and
    /// what descends from it, to the run that its environment names; if that names none, to the
    /// run whose session or process group it is in. Those in `excluded` (children of ours that are
    /// no run, such as hooks) and what descends from them belong to none.
    std::vector<Member> members(std::span<const RunMarks> runs,
                                std::span<const pid_t> excluded = {}) const;

  private:
    class Membership;

    std::vector<std::size_t> child_indices(pid_t pid) const;

    std::vector<ProcessEntry> processes_;                   // by pid
    std::unordered_multimap<pid_t, std::size_t> children_;  // indices by parent
    pid_t self_;
};

}  // namespace reeve::os
