#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "config/plan.h"
#include "supervisor/core/event.h"
#include "supervisor/core/ids.h"

/// What the engine wants done: imperatives, to be carried out in order. None of them calls the
/// engine back; what comes of them arrives as events.
namespace reeve::core {

/// Execute the service's main process; answer with Spawned or SpawnFailed.
struct Spawn {
    RunId run;
    ServiceId service;
    config::ServicePtr definition;
};

/// Send a signal to the run's main process, or to all of its tree that is alive.
struct Signal {
    RunId run;
    int signal = 0;
    config::StopScope scope = config::StopScope::Main;
};

/// Kill whatever is left of the run's tree, and go on until nothing is.
struct KillTree {
    RunId run;
};

/// Let go of the run: its main process, if there was one, is gone and so is its tree.
struct Reap {
    RunId run;
};

/// Ask the service's probe once; answer with ProbeAnswered.
struct StartProbe {
    TaskId task;
    RunId run;
    config::Probe probe;
};

/// Find the main process of a forking run whose first process ended: answer with MainFound, and
/// with MainAwaited as long as there is none.
struct FindMain {
    RunId run;
};

/// Run a command beside the run, in its environment; answer with CommandEnded. The first one of a
/// run may come before its Spawn: then this is what opens the run.
struct RunCommand {
    TaskId task;
    RunId run;
    config::Argv command;
    ServiceId service;
    config::ServicePtr definition;
    bool as_root = false;  ///< as the supervisor itself instead of as the service's user
    bool to_log = false;   ///< its output goes to the service's log
    std::vector<std::pair<std::string, std::string>>
        environment{};  ///< beside what all of them get
};

/// End a probe or a command that nobody waits for any more, with all it started.
struct CancelTask {
    TaskId task;
};

/// End a command with all it started, which may tidy up for so long from now on; zero: at once.
/// Said again it only changes that. CommandEnded still follows, once all of it is gone.
struct EndTask {
    TaskId task;
    Duration patience{};
};

/// How a request ended for one of its services.
struct Outcome {
    enum class Kind { Done, Failed, NotRunning, TimedOut };
    ServiceId service;
    std::string name;
    Kind kind = Kind::Done;
    std::string state;
    std::string cause;
    bool operator==(const Outcome&) const = default;
};

/// Say which services beyond the named ones a request is about to start, stop or restart, and for
/// whose sake: of one that is started, who needs it, else which requirement of it is the reason.
struct Touches {
    struct Service {
        ServiceId id;
        ServiceId reason;
        bool rival = false;  ///< the reason is one that it conflicts with
    };
    RequestId request;
    Verb verb = Verb::Stop;
    std::vector<Service> services;
};

/// Answer a request; the last that is said of it.
struct Reply {
    RequestId request;
    std::vector<Outcome> outcomes;
};

/// Tell the world that a service changed its state.
struct Announce {
    ServiceId service;
    std::string name;
    std::string_view from, to;
    std::string cause;
    std::optional<int> pid;
};

/// Tell the world that everything is being stopped, and why.
struct AnnounceShutdown {
    std::string cause;
};

/// Forget a service that the configuration no longer has; it is stopped.
struct Forget {
    ServiceId service;
    std::string name;
};

/// End the supervisor with this exit status; nothing is left to be stopped, or nothing can be.
struct Finish {
    int status = 0;
    std::vector<std::string> survivors{};  ///< services that even SIGKILL did not end
};

using Action =
    std::variant<Spawn, Signal, KillTree, Reap, StartProbe, FindMain, RunCommand, CancelTask,
                 EndTask, Touches, Reply, Announce, AnnounceShutdown, Forget, Finish>;

}  // namespace reeve::core
