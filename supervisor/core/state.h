#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "base/time.h"
#include "supervisor/core/ids.h"

/// What a service goes through.
///
/// A service has a Goal, which commands change, and a State, which moves towards the goal by
/// itself. With the goal Up it is Waiting until all that it `requires` is ready and nothing that it
/// `wants` or comes `after` is still on its way; then it is spawned and Starting. It is Running
/// once ready: at exec, at READY=1 or at the first good answer of its probe, which is asked every
/// interval. A oneshot is Starting until it ends, and Done when it ended well.
///
/// When the main process ends and others of its tree are left, they get SIGTERM and the state is
/// Stopping until they are gone; at the deadline they are killed. Only then is the process reaped
/// and its fate decided: Stopped if that was asked for, else by policy a restart (at once after a
/// long run, else after a Backoff), Done or Failed. Failing to become ready in time counts as a
/// failed exit: the process is stopped (Stopping) first.
///
/// A service whose goal is Down, that is to be restarted (`cycle`), or that requires one which must
/// stop, must stop too (`halting`). It gets its turn when whatever is ordered after it and must
/// stop has stopped. The goal of one that stops for a requirement's restart stays Up, so it waits
/// and comes back. Final ends (Done, Failed) turn the goal Down; only a request, a dependent's
/// request or a changed definition turns it Up again.
namespace reeve::core {

enum class Goal { Down, Up };

/// Not there, and nobody wants it to be.
struct Stopped {
    bool operator==(const Stopped&) const = default;
};

/// Would start, but for another service. `stuck`: that one is not on its way to ready.
struct Waiting {
    ServiceId on{};
    bool stuck = false;
    bool operator==(const Waiting&) const = default;
};

/// Has a process that is not ready yet. Of `probe` and `probe_due` one at most is set: an attempt
/// is either under way, until `probe_deadline`, or due.
struct Starting {
    RunId run{};
    std::optional<Time> deadline{};
    TaskId probe{};
    std::optional<Time> probe_deadline{};
    std::optional<Time> probe_due{};
    bool operator==(const Starting&) const = default;
};

/// Ready. A service without a command runs without a run.
struct Running {
    RunId run{};
    bool operator==(const Running&) const = default;
};

/// Ready, and re-reading its own configuration by a command that runs until `deadline` at most.
struct Reloading {
    RunId run{};
    TaskId command{};
    bool checking = false;  ///< the command is `check`, the reload itself comes after it
    bool again = false;     ///< asked for another one meanwhile
    Time deadline{};
    bool operator==(const Reloading&) const = default;
};

enum class StopReason {
    Asked,         ///< by a command, a dependency, a shutdown
    Ended,         ///< the main process ended; its stragglers are being ended
    StartTimedOut  ///< not ready in time
};

/// Being ended. At `deadline` everything left is killed, and nothing more can be done but wait.
struct Stopping {
    RunId run{};
    StopReason reason = StopReason::Asked;
    bool main_gone = false;
    TaskId command{};                ///< the stop command, while it runs
    std::optional<Time> deadline{};  ///< nothing once killed
    bool operator==(const Stopping&) const = default;
};

/// Will be started again at `until`.
struct Backoff {
    Time until{};
    bool operator==(const Backoff&) const = default;
};

/// Ended for good, badly or well.
struct Failed {
    bool operator==(const Failed&) const = default;
};
struct Done {
    bool operator==(const Done&) const = default;
};

using State =
    std::variant<Stopped, Waiting, Starting, Running, Reloading, Stopping, Backoff, Failed, Done>;

/// The name that users know: "stopped", "waiting" ...
std::string_view name_of(const State& state);

/// The run of a state that has a process, else none.
RunId run_of(const State& state);

/// The earliest moment at which the state wants to be looked at again.
std::optional<Time> deadline_of(const State& state);

/// Whether one is to the neighbours what the other is: for whom exactly somebody waits, or until
/// when, is nothing to them.
bool is_same_to_others(const State& a, const State& b);

/// Whether it has or stands for something that must be stopped.
bool is_alive(const State& state);

}  // namespace reeve::core
