#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/exit_status.h"
#include "base/time.h"
#include "config/plan.h"
#include "supervisor/core/ids.h"

/// What the engine is told: facts, in the past tense. An event that names a run or a task that is
/// over is dropped.
namespace reeve::core {

enum class Verb { Start, Stop, Restart, Reload };

/// The supervisor came up; whatever is enabled shall run.
struct BootAsked {};

/// Somebody asked for something to be done to some services.
struct Requested {
    RequestId request;
    Verb verb = Verb::Start;
    std::vector<ServiceId> services;
    bool wait = true;              ///< false: reply once it is under way
    std::optional<Time> deadline;  ///< then the reply says how far it has come
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

/// The main process ended; its number is still held. `leftovers`: others of its tree are alive.
struct Exited {
    RunId run;
    ExitStatus status;
    bool leftovers = false;
};

/// Nothing of the tree of a run whose main process ended is alive any more.
struct TreeEmptied {
    RunId run;
};

/// READY=1 came from the run's own tree.
struct ReadyReported {
    RunId run;
};

/// STATUS= came from the run's own tree.
struct StatusReported {
    RunId run;
    std::string text;
};

/// One attempt of a probe has an answer; `what` says why when it is not yes.
struct ProbeAnswered {
    TaskId task;
    bool yes = false;
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
};

/// Everything shall stop; asked a second time, at once.
struct ShutdownAsked {};

using Event = std::variant<BootAsked, Requested, Spawned, SpawnFailed, Exited, TreeEmptied,
                           ReadyReported, StatusReported, ProbeAnswered, CommandEnded,
                           DeadlinePassed, PlanReplaced, ShutdownAsked>;

}  // namespace reeve::core
