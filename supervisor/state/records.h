#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/exit_status.h"
#include "base/resource_usage.h"
#include "base/time.h"
#include "config/plan.h"
#include "supervisor/core/ids.h"

/// What is written down of the processes that a supervisor has, so that a successor finds them
/// again. Times are CLOCK_MONOTONIC's and count for one boot, as the whole file does.
namespace reeve::state {

/// A process for good: its number may become another's, but not within the same clock tick.
struct Process {
    pid_t pid = 0;                 ///< 0: there is none
    std::uint64_t start_time = 0;  ///< clock ticks since boot, as in ProcessEntry
    bool operator==(const Process&) const = default;
};

/// Where a tree of processes is (shell/containment.h). Written down before its first process is
/// born, then with it, and whenever its main process is another one.
struct Tree {
    /// The numbers are in files: none may change its meaning.
    enum class Kind { Cgroup = 0, Keeper = 1, Marks = 2 };
    Kind kind = Kind::Marks;
    std::uint64_t number = 0;  ///< no other tree of this supervisor and its predecessors has it
    std::string cgroup;        ///< the name of its folder in the supervisor's own
    Process keeper;
    Process first;  ///< its first main process, gone or not; none: not known to be born yet
    Process main;   ///< none: its end has been noticed
    bool operator==(const Tree&) const = default;
};

/// The end of a main process, noticed and maybe not told yet.
struct End {
    pid_t pid = 0;
    ExitStatus status;
    ResourceUsage usage;  ///< nothing but zeros: not known
    std::optional<bool> out_of_memory;
    bool operator==(const End&) const = default;
};

/// A run of a service, from its first process or hook until it is let go.
struct Run {
    core::RunId id;
    config::ServicePtr definition;  ///< what it was started by
    std::string invocation_id;
    std::map<std::string, std::string> directories;  ///< that were made for it, by their variables
    WallTime started_wall;                           ///< a moment before its first process
    Time started;                                    ///< the same moment
    std::string notify_socket;                       ///< its name, as NOTIFY_SOCKET has it
    std::string ready_fifo;                          ///< the path of the pipe for `ready: {fd: N}`
    std::optional<Tree> tree;                        ///< since its spawn was about to be
    bool adopted = false;                            ///< its main process is not its first one
    std::optional<End> end;                          ///< of its main process, or its first one
    bool operator==(const Run&) const = default;
};

/// A command beside a run: a hook, or the asking of a probe.
struct Command {
    core::TaskId id;
    core::RunId run;
    Tree tree;
    bool probe = false;     ///< to be asked again rather than taken over
    bool captured = false;  ///< its output is read for its last words
    /// What it came to, once nothing of it is left; whether the engine knows, its own record tells.
    struct Outcome {
        bool succeeded = false;
        std::string what;
        bool operator==(const Outcome&) const = default;
    };
    std::optional<Outcome> outcome{};
    bool operator==(const Command&) const = default;
};

}  // namespace reeve::state
