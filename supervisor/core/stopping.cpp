#include "base/overloaded.h"
#include "supervisor/core/engine.h"

/// One run's way down: from being told to end until nothing of it is left. Every step ends by
/// continue_stop(), which looks at what there still is and goes on from there.
namespace reeve::core {

namespace {

/// Before its launch a service has no process but that of a hook; a forking one whose main process
/// is being looked for has none yet.
Stopping stopping_from(const State& state, StopReason reason) {
    Stopping stopping{.run = run_of(state), .reason = reason};
    if (const auto* starting = std::get_if<Starting>(&state)) {
        stopping.tree_gone = starting->step == StartStep::PreStart;
        stopping.main_gone = stopping.tree_gone || starting->step == StartStep::FindMain;
    }
    return stopping;
}

}  // namespace

std::string Engine::ending_words(const Unit& unit, StopReason reason) {
    if (reason != StopReason::Asked) return unit.trouble;
    if (unit.goal == Goal::Down) return unit.origin;
    // Its origin is why it will be up again: "restarted by request".
    return "stopped to be " + (unit.origin.starts_with("restarted ") ? unit.origin : "restarted");
}

void Engine::begin_stop(Unit& unit, StopReason reason) {
    if (const auto* stopping = std::get_if<Stopping>(&unit.state())) {
        // Already being ended for a reason of its own; now it shall not come back either.
        Stopping asked = *stopping;
        const bool by_itself = !asked.main_gone && asked.reason == StopReason::Ended;
        asked.reason = reason;
        change(unit, asked);
        if (by_itself) tell_to_end(unit);
        return;
    }
    if (!run_of(unit.state())) return conclude(unit);
    unit.start_failed = unit.start_failed || reason == StopReason::StartFailed;
    unit.unwell = reason == StopReason::Unhealthy || reason == StopReason::Hung;
    enter_stopping(unit, stopping_from(unit.state(), reason), ending_words(unit, reason));
    if (!std::get<Stopping>(unit.state()).command) begin_ending(unit);
}

/// Leaves what it was doing. A hook of its start is not waited for, but for its end.
void Engine::enter_stopping(Unit& unit, Stopping stopping, std::string cause) {
    TaskId hook;
    if (const auto* starting = std::get_if<Starting>(&unit.state())) hook = starting->hook.task;
    for (const TaskId task : tasks_of(unit.state())) {
        if (task != hook) cancel_task(task);
    }
    if (hook) {
        stopping.step = StopStep::AwaitHook;
        stopping.command = hook;
        cause += "; ending its hook first";
        stopping.deadline.reset();
        if (!forced()) stopping.begun = now_;
        out_.push_back(EndTask{hook, forced() ? Duration() : unit.stop().timeout});
    }
    change(unit, stopping, std::move(cause));
}

void Engine::begin_term(Stopping& stopping, Duration timeout) const {
    stopping.begun = now_;
    stopping.deadline = now_ + timeout;
    stopping.extended.reset();
}

void Engine::begin_ending(Unit& unit) {
    const auto& stopping = std::get<Stopping>(unit.state());
    const bool in_order = stopping.reason == StopReason::Asked && unit.was_ready;
    if (in_order && !stopping.main_gone && !unit.run_definition->policy.hooks.pre_stop.empty()) {
        return begin_stop_hooks(unit, StopStep::PreStop);
    }
    continue_stop(unit);
}

void Engine::continue_stop(Unit& unit) {
    Stopping stopping = std::get<Stopping>(unit.state());
    if (stopping.tree_gone) return tree_gone(unit);
    const bool begins = stopping.step != StopStep::Ending || !stopping.deadline;
    const bool after_hooks =
        stopping.step == StopStep::PreStop || stopping.step == StopStep::AwaitHook;
    stopping.step = StopStep::Ending;
    if (begins) begin_term(stopping, unit.stop().timeout);
    if (unit.stop_timed_out || forced()) stopping.deadline.reset();
    std::string cause = after_hooks ? ending_words(unit, stopping.reason) : std::string();
    if (cause.empty()) cause = unit.cause();
    change(unit, stopping, std::move(cause));
    if (!stopping.deadline) {
        kill_rest(unit);
    } else if (stopping.main_gone) {
        out_.push_back(Signal{stopping.run, SIGTERM, config::StopScope::Tree});
        out_.push_back(Signal{stopping.run, SIGCONT, config::StopScope::Tree});
    } else {
        tell_to_end(unit);
    }
}

/// By its stop command, or at once by its signal.
void Engine::tell_to_end(Unit& unit) {
    Stopping stopping = std::get<Stopping>(unit.state());
    const config::Stop& stop = unit.stop();
    if (stop.command.empty() || stopping.reason != StopReason::Asked) {
        return send_stop_signal(unit);
    }
    stopping.command = units_.new_task(unit);
    change(unit, stopping);
    out_.push_back(RunCommand{.task = stopping.command,
                              .run = stopping.run,
                              .command = stop.command,
                              .service = unit.id(),
                              .definition = unit.run_definition});
}

void Engine::send_stop_signal(const Unit& unit) {
    const config::Stop& stop = unit.stop();
    const auto& stopping = std::get<Stopping>(unit.state());
    // One that hangs leaves a core dump of where it does.
    const int signal = stopping.reason == StopReason::Hung ? SIGABRT : stop.signal;
    out_.push_back(Signal{stopping.run, signal, stop.scope});
    // One that is stopped (SIGSTOP) must go on to see the signal.
    if (signal != SIGKILL) out_.push_back(Signal{stopping.run, SIGCONT, stop.scope});
}

/// The main process is gone, and with it all else unless there are `leftovers`.
void Engine::main_gone(Unit& unit, bool leftovers) {
    const bool leave = unit.stop().rest == config::StopRest::Leave;
    if (const auto* before = std::get_if<Stopping>(&unit.state())) {
        Stopping stopping = *before;
        stopping.main_gone = true;
        stopping.tree_gone = !leftovers || leave;
        const bool ending = stopping.step == StopStep::Ending;
        change(unit, stopping);
        // A hook that runs is let go on to its end.
        if (ending) continue_stop(unit);
        return;
    }
    Stopping stopping{.run = run_of(unit.state()),
                      .reason = unit.halting ? StopReason::Asked : StopReason::Ended,
                      .main_gone = true,
                      .tree_gone = !leftovers || leave};
    const auto* starting = std::get_if<Starting>(&unit.state());
    const bool in_hook = starting != nullptr && starting->hook.task;
    const auto& post_stop = unit.run_definition->policy.hooks.post_stop;
    if (stopping.tree_gone && !in_hook && post_stop.empty()) return conclude(unit);
    std::string cause = unit.trouble;
    if (!stopping.tree_gone) cause += "; ending what it left behind";
    enter_stopping(unit, stopping, std::move(cause));
    if (!std::get<Stopping>(unit.state()).command) continue_stop(unit);
}

/// Nothing of the run is left; what it is to be followed by may run.
void Engine::tree_gone(Unit& unit) {
    cancel_tasks(unit);
    Stopping stopping = std::get<Stopping>(unit.state());
    stopping.command = {};
    stopping.deadline.reset();
    change(unit, stopping);
    const auto& post_stop = unit.run_definition->policy.hooks.post_stop;
    if (post_stop.empty() || forced()) return conclude(unit);
    begin_stop_hooks(unit, StopStep::PostStop);
}

void Engine::stop_deadline_passed(Unit& unit) {
    const auto& stopping = std::get<Stopping>(unit.state());
    if (stopping.step != StopStep::Ending) return stop_hook_timed_out(unit);
    const config::Stop& stop = unit.stop();
    const std::string method =
        stopping.main_gone                     ? "what it left behind did not end on SIGTERM"
        : stopping.command                     ? "its stop command did not end it"
        : stopping.reason == StopReason::Ended ? "did not end after STOPPING=1"
        : stopping.reason == StopReason::Hung  ? "did not end on SIGABRT"
                                               : "did not end on " + signal_name(stop.signal);
    const std::string note = method + " within " + in_words(stop.timeout) + "; killed";
    unit.trouble = unit.trouble.empty() ? note : unit.trouble + "; " + note;
    unit.stop_timed_out = true;
    kill_now(unit);
}

/// Whatever it is doing.
void Engine::kill_now(Unit& unit) {
    const RunId run = run_of(unit.state());
    if (!run) return;
    std::string cause = unit.trouble.empty() ? unit.origin : unit.trouble;
    if (!std::holds_alternative<Stopping>(unit.state())) {
        enter_stopping(unit, stopping_from(unit.state(), StopReason::Asked), std::move(cause));
        if (!std::get<Stopping>(unit.state()).command) continue_stop(unit);
        return;
    }
    Stopping stopping = std::get<Stopping>(unit.state());
    stopping.begun.reset();
    stopping.deadline.reset();
    if (stopping.step != StopStep::Ending) {
        change(unit, stopping, std::move(cause));
        if (stopping.command) out_.push_back(EndTask{stopping.command});
        return;
    }
    cancel_task(stopping.command);
    stopping.command = {};
    change(unit, stopping, std::move(cause));
    kill_rest(unit);
}

void Engine::kill_rest(const Unit& unit) {
    const auto& stopping = std::get<Stopping>(unit.state());
    const bool leave = unit.stop().rest == config::StopRest::Leave;
    if (leave && !stopping.main_gone) {
        out_.push_back(Signal{stopping.run, SIGKILL, config::StopScope::Main});
    } else {
        out_.push_back(KillTree{stopping.run});
    }
}

}  // namespace reeve::core
