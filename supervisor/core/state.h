#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "supervisor/core/ids.h"

/// What a service goes through.
///
/// A service has a Goal, which commands change, and a State, which moves towards the goal by
/// itself. With the goal Up it is Waiting until all that it `requires` is ready, nothing that it
/// `wants` or comes `after` is still on its way, and all that it `conflicts` with is gone; then it
/// is Starting: `pre_start` runs, the main process is spawned (of a forking service: found among
/// what its first process leaves), becomes ready, and `post_start` runs. Then it is Running, looked
/// after by `health` and `watchdog`. A oneshot is Starting until it ends, and Done when it ended
/// well.
///
/// When the main process ends and others of its tree are left, they get SIGTERM and the state is
/// Stopping until they are gone; at the deadline they are killed. Only then does `post_stop` run,
/// is the process reaped and its fate decided: Stopped if that was asked for, else by policy a
/// restart (at once after a long run, else after a Backoff), Done or Failed. One that does not
/// become ready, or is found to be unwell, is stopped (Stopping) first, and counts as a failed
/// exit.
///
/// A service whose goal is Down, that is to be restarted (`cycle`), that requires one which must
/// stop, or is bound to one that is not there any more, must stop too (`halting`). It gets its turn
/// when whatever is ordered after it and must stop has stopped. The goal of one that stops for a
/// requirement's restart stays Up, so it waits and comes back. Final ends (Done, Failed) turn the
/// goal Down; only a request, a dependent's request or a changed definition turns it Up again.
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

/// A question to be asked again and again: either under way, until `deadline`, or due; or neither.
struct Asking {
    TaskId task{};
    std::optional<Time> deadline{};
    std::optional<Time> due{};
    bool operator==(const Asking&) const = default;
};

/// The hook that is running, or would be next, of a list of them.
struct HookTurn {
    std::size_t at = 0;
    TaskId task{};
    std::optional<Time> deadline{};
    bool operator==(const HookTurn&) const = default;
};

enum class StartStep {
    PreStart,    ///< its hooks run; there is no process yet
    Launch,      ///< spawned; of a forking service: until its first process has ended
    FindMain,    ///< of a forking service: its main process is being looked for
    AwaitReady,  ///< has a main process
    PostStart    ///< its hooks run
};

/// On the way to ready, until `deadline` at most.
struct Starting {
    RunId run{};
    StartStep step = StartStep::Launch;
    std::optional<Time> deadline{};
    std::optional<Time> extended{};  ///< until when it has asked to be given time
    Asking readiness{};
    HookTurn hook{};
    bool operator==(const Starting&) const = default;
};

/// How one that is ready is looked after.
struct Watch {
    Asking health{};
    int failures = 0;                ///< of health, in a row
    std::optional<Time> watchdog{};  ///< until when WATCHDOG=1 must have come
    bool operator==(const Watch&) const = default;
};

/// Ready. A service without a command runs without a run.
struct Running {
    RunId run{};
    Watch watch{};
    bool operator==(const Running&) const = default;
};

enum class ReloadStep {
    Check,       ///< the command is `check`
    Command,     ///< the command is the reload itself
    AwaitBegin,  ///< the signal is sent; RELOADING=1 may come
    AwaitReady   ///< RELOADING=1 came; READY=1 must follow
};

/// Ready, and re-reading its own configuration, until `deadline` at most.
struct Reloading {
    RunId run{};
    ReloadStep step = ReloadStep::Check;
    TaskId command{};
    bool again = false;           ///< asked for another one meanwhile
    bool announced = false;       ///< RELOADING=1 came, and no READY=1 after it
    bool answered = false;        ///< READY=1 came after RELOADING=1
    std::optional<Time> asked{};  ///< when the signal was sent or the command begun
    Time deadline{};
    Watch watch{};
    bool operator==(const Reloading&) const = default;
};

enum class StopReason {
    Asked,        ///< by a command, a dependency, a shutdown
    Ended,        ///< the main process ended, or says that it is about to
    StartFailed,  ///< not ready in time, or a hook of its start failed
    Unhealthy,    ///< its health probe failed too often
    Hung          ///< its watchdog was not fed
};

enum class StopStep {
    AwaitHook,  ///< a hook of its start has been killed and is to be gone
    PreStop,    ///< its hooks run
    Ending,     ///< told to end
    PostStop    ///< all of it is gone; its hooks run
};

/// Being ended. At `deadline` what the step awaits is killed, or asked to end if it is a hook;
/// after that there is none, and once it is killed no time from which it could be counted either.
struct Stopping {
    RunId run{};
    StopReason reason = StopReason::Asked;
    StopStep step = StopStep::Ending;
    bool main_gone = false;
    bool tree_gone = false;
    TaskId command{};             ///< the stop command or the hook, while it runs
    std::size_t hook = 0;         ///< which one of its list
    std::optional<Time> begun{};  ///< when the step, or the end of its hook, was
    std::optional<Time> deadline{};
    std::optional<Time> extended{};  ///< until when it has asked to be given time
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

/// What runs beside its process: probes, hooks and other commands.
std::vector<TaskId> tasks_of(const State& state);

/// How a ready service is looked after; nothing if it is not ready.
Watch* watch_of(State& state);

/// Whether one is to the neighbours what the other is: for whom exactly somebody waits, or until
/// when, is nothing to them.
bool is_same_to_others(const State& a, const State& b);

/// Whether it has or stands for something that must be stopped.
bool is_alive(const State& state);

}  // namespace reeve::core
