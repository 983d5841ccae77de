#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/exit_status.h"
#include "base/resource_usage.h"
#include "base/time.h"
#include "config/plan.h"
#include "supervisor/core/ids.h"

/// What the engine is told: facts, in the past tense. An event that names a run or a task that is
/// over is dropped.
namespace reeve::core {

/// What somebody asks for, and waits for. An Await changes nothing; Apply is what a PlanReplaced
/// that somebody waits for is to its services.
enum class Verb {
    Start,
    Stop,
    Restart,
    Reload,
    AwaitReady,
    AwaitStopped,
    AwaitFailed,
    AwaitDone,
    Apply
};

/// The supervisor came up; whatever is enabled shall run.
struct BootAsked {
    /// These alone, of which nothing is known, if others have been taken over.
    std::optional<std::vector<ServiceId>> unknown{};
};

/// Somebody has taken over from an engine that is gone, with what that knew. What it had decided
/// last may not have been done, and what it was told last it may not have heard. What these runs
/// and commands come to will be told as ever, what has become of them meanwhile too; of all others
/// nothing is there.
struct Resumed {
    std::vector<RunId> runs;       ///< whose first process was started
    std::vector<TaskId> commands;  ///< that are under way
};

/// Somebody asked for something to be done to some services.
struct Requested {
    RequestId request;
    Verb verb = Verb::Start;
    std::vector<ServiceId> services;
    bool wait = true;              ///< false: reply once it is under way
    std::optional<Time> deadline;  ///< then the reply says how far it has come
    bool operator==(const Requested&) const = default;
};

/// Somebody asked for a signal to be sent; what follows from it follows as from any other.
struct SignalAsked {
    RequestId request;
    std::vector<ServiceId> services;
    int signal = 0;
    config::StopScope scope = config::StopScope::Main;
};

/// Somebody asked for failures to be forgotten: failed services become stopped ones.
struct ResetAsked {
    RequestId request;
    std::vector<ServiceId> services;
};

/// Nobody waits for the answer to a request any more; what it began goes on.
struct Abandoned {
    RequestId request;
};

/// A main process exists and its exec succeeded.
struct Spawned {
    RunId run;
    int pid = 0;
};

/// No process came to be; `what` names the step, the object and the errno.
struct SpawnFailed {
    RunId run;
    std::string what;
    bool not_found = false;  ///< the command does not exist
};

/// The main process ended. `leftovers`: others of its tree are alive.
struct Exited {
    RunId run;
    ExitStatus status;
    bool leftovers = false;
    std::optional<ResourceUsage> usage{};
    std::optional<bool> out_of_memory{};  ///< the kernel killed it for want of memory
    bool unseen = false;                  ///< while no supervisor was there: some time before now
};

/// Nothing of the tree of a run whose main process ended is alive any more.
struct TreeEmptied {
    RunId run;
};

/// The first process of a forking service ended; its main process is to be found among what it has
/// left. Exited will tell of that one.
struct ParentExited {
    RunId run;
    ExitStatus status;
    bool leftovers = false;
    std::optional<ResourceUsage> usage{};
    bool unseen = false;  ///< as of Exited
};

/// The run has this main process from now on: it was left over, its PID file or MAINPID= names it.
struct MainFound {
    RunId run;
    int pid = 0;
};

/// Why the main process of a forking service has not been found yet, for people.
struct MainAwaited {
    RunId run;
    std::string what;
};

/// What the service was to say when it is ready, other than by sd_notify(3), it has said: a newline
/// on its descriptor, a line in its log.
struct ReadyReported {
    RunId run;
};

/// One message of sd_notify(3) from the run's own tree.
struct Notified {
    enum class Watchdog { Nothing, Alive, Trigger };
    RunId run;
    bool ready = false;
    bool reloading = false;
    std::optional<Time> reloading_since{};  ///< MONOTONIC_USEC
    bool stopping = false;
    std::optional<std::string> status{};
    std::optional<int> errnum{};
    Watchdog watchdog = Watchdog::Nothing;
    std::optional<Duration> watchdog_interval{};
    std::optional<Duration> extend_timeout{};
    bool restart_reset = false;
};

/// One attempt of a probe has come to something; `what` says why when that is not Yes.
struct ProbeAnswered {
    enum class Answer {
        Yes,
        No,
        Unasked  ///< the supervisor could not carry it out, which says nothing of the service
    };
    TaskId task;
    Answer answer = Answer::No;
    std::string what;
};

/// An auxiliary command ended; `what` says how when it did not succeed.
struct CommandEnded {
    TaskId task;
    bool succeeded = false;
    std::string what;
};

/// The time that next_deadline() named has come.
struct DeadlinePassed {};

/// The configuration was read again and is valid.
struct PlanReplaced {
    config::PlanPtr plan;
    bool reload_services = false;  ///< then reload the running ones that can be
    RequestId request{};           ///< answered for the services that differ
    bool wait = true;
    std::optional<Time> deadline{};
};

/// Everything shall stop. Asked insistently a second time, at once.
struct ShutdownAsked {
    std::string by{};  ///< who asked, for people
    bool insistent = true;
};

using Event = std::variant<BootAsked, Resumed, Requested, SignalAsked, ResetAsked, Abandoned,
                           Spawned, SpawnFailed, ParentExited, MainFound, MainAwaited, Exited,
                           TreeEmptied, ReadyReported, Notified, ProbeAnswered, CommandEnded,
                           DeadlinePassed, PlanReplaced, ShutdownAsked>;

}  // namespace reeve::core
