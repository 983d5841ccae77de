#include <string>

#include "base/overloaded.h"
#include "supervisor/core/engine.h"

/// One service's way through its states; the story is told in state.h.
namespace reeve::core {

namespace {

std::string ordinal(int n) {
    const int tens = n % 100;
    const char* ending = "th";
    if (tens < 11 || tens > 13) {
        if (n % 10 == 1) ending = "st";
        if (n % 10 == 2) ending = "nd";
        if (n % 10 == 3) ending = "rd";
    }
    return std::to_string(n) + ending;
}

/// `origin` is why it will be up again: "restarted by request".
std::string to_be_restarted(const std::string& origin) {
    return "stopped to be " + (origin.starts_with("restarted ") ? origin : "restarted");
}

}  // namespace

void Engine::change(Unit& unit, State state, std::string cause) {
    const bool moved = state != unit.state();
    const bool seen = !is_same_to_others(state, unit.state());
    units_.change(unit, std::move(state), std::move(cause), now_, out_);
    if (moved) touch(unit);
    if (seen) touch_neighbours(unit);
}

void Engine::start_run(Unit& unit) {
    const config::ServicePtr definition = unit.definition;
    unit.pid.reset();
    unit.status_text.clear();
    unit.trouble.clear();
    unit.unready.clear();
    unit.run_definition = definition;
    unit.was_ready = false;
    unit.started = now_;
    if (definition->execution.command.empty()) return become_ready(unit);
    Starting starting{.run = units_.new_run(unit)};
    if (const Duration limit = definition->policy.start_timeout; limit > Duration::zero()) {
        starting.deadline = now_ + limit;
    }
    change(unit, starting, unit.origin);
    out_.push_back(Spawn{starting.run, unit.id(), definition});
}

void Engine::await_readiness(Unit& unit) {
    if (unit.definition->execution.type == config::ServiceType::Oneshot) return;
    const auto& ready = unit.policy().ready;
    if (!ready) return become_ready(unit);
    if (!std::holds_alternative<config::NotifyCheck>(ready->check)) return ask_probe(unit);
    unit.unready = "awaits READY=1";
    change(unit, State(unit.state()), "not ready yet: " + unit.unready);
}

void Engine::ask_probe(Unit& unit) {
    Starting starting = std::get<Starting>(unit.state());
    const config::Probe& probe = *unit.policy().ready;
    starting.probe = units_.new_task(unit);
    starting.probe_deadline = now_ + probe.timeout;
    starting.probe_due.reset();
    out_.push_back(StartProbe{starting.probe, starting.run, probe});
    change(unit, starting, unit.cause());
}

void Engine::become_ready(Unit& unit) {
    cancel_tasks(unit);
    unit.ready_since = now_;
    unit.was_ready = true;
    change(unit, Running{run_of(unit.state())}, unit.origin);
}

void Engine::begin_stop(Unit& unit, StopReason reason) {
    if (const auto* stopping = std::get_if<Stopping>(&unit.state())) {
        // Already being ended for a reason of its own; now it shall not come back either.
        Stopping asked = *stopping;
        asked.reason = reason;
        return change(unit, asked, unit.cause());
    }
    const RunId run = run_of(unit.state());
    if (!run) return conclude(unit);
    cancel_tasks(unit);
    const config::Stop& stop = unit.stop();
    Stopping stopping{.run = run, .reason = reason, .deadline = now_ + stop.timeout};
    if (!stop.command.empty() && reason == StopReason::Asked) {
        stopping.command = units_.new_task(unit);
    }
    std::string cause = reason == StopReason::StartTimedOut ? unit.trouble
                        : unit.goal == Goal::Down           ? unit.origin
                                                            : to_be_restarted(unit.origin);
    change(unit, stopping, std::move(cause));
    if (stopping.command) {
        out_.push_back(
            RunCommand{stopping.command, run, stop.command, unit.id(), unit.run_definition});
    } else {
        send_stop_signal(unit);
    }
}

void Engine::send_stop_signal(const Unit& unit) {
    const config::Stop& stop = unit.stop();
    const RunId run = run_of(unit.state());
    out_.push_back(Signal{run, stop.signal, stop.scope});
    // One that is stopped (SIGSTOP) must go on to see the signal.
    if (stop.signal != SIGKILL) out_.push_back(Signal{run, SIGCONT, stop.scope});
}

void Engine::main_gone(Unit& unit, bool leftovers) {
    if (!leftovers) return conclude(unit);
    if (!std::holds_alternative<Stopping>(unit.state())) cancel_tasks(unit);
    const auto* before = std::get_if<Stopping>(&unit.state());
    Stopping stopping =
        before != nullptr ? *before
                          : Stopping{.run = run_of(unit.state()),
                                     .reason = unit.halting ? StopReason::Asked : StopReason::Ended,
                                     .deadline = now_ + unit.stop().timeout};
    stopping.main_gone = true;
    const bool killed = !stopping.deadline;
    std::string cause =
        before != nullptr ? unit.cause() : unit.trouble + "; ending what it left behind";
    change(unit, stopping, std::move(cause));
    if (killed) {
        out_.push_back(KillTree{stopping.run});
        return;
    }
    out_.push_back(Signal{stopping.run, SIGTERM, config::StopScope::Tree});
    out_.push_back(Signal{stopping.run, SIGCONT, config::StopScope::Tree});
}

void Engine::start_deadline_passed(Unit& unit) {
    unit.trouble = "not ready within " + in_words(unit.policy().start_timeout);
    if (!unit.unready.empty()) unit.trouble += " (" + unit.unready + ")";
    begin_stop(unit, StopReason::StartTimedOut);
}

void Engine::stop_deadline_passed(Unit& unit) {
    const auto& stopping = std::get<Stopping>(unit.state());
    const config::Stop& stop = unit.stop();
    const std::string method = stopping.main_gone ? "what it left behind did not end on SIGTERM"
                               : stopping.command ? "its stop command did not end it"
                                                  : "did not end on " + signal_name(stop.signal);
    const std::string note = method + " within " + in_words(stop.timeout) + "; killed";
    unit.trouble = unit.trouble.empty() ? note : unit.trouble + "; " + note;
    kill_now(unit);
}

void Engine::kill_now(Unit& unit) {
    Stopping stopping{.run = run_of(unit.state()), .reason = StopReason::Asked};
    if (const auto* before = std::get_if<Stopping>(&unit.state())) stopping = *before;
    if (!stopping.run) return;
    cancel_tasks(unit);
    stopping.command = {};
    stopping.deadline.reset();
    change(unit, stopping, unit.trouble.empty() ? unit.origin : unit.trouble);
    out_.push_back(KillTree{stopping.run});
}

void Engine::conclude(Unit& unit) {
    const auto* stopping = std::get_if<Stopping>(&unit.state());
    const bool asked =
        unit.halting || (stopping != nullptr && stopping->reason == StopReason::Asked);
    cancel_tasks(unit);
    if (const RunId run = run_of(unit.state())) {
        out_.push_back(Reap{run});
        units_.end_run(run);
    }
    unit.pid.reset();
    if (asked || unit.goal == Goal::Down || unit.cycle) {
        unit.cycle = false;
        std::string cause = unit.goal == Goal::Down ? unit.origin : unit.cause();
        if (!unit.trouble.empty() && cause.find(unit.trouble) == std::string::npos) {
            cause += " (" + unit.trouble + ")";
        }
        return change(unit, Stopped{}, std::move(cause));
    }
    decide_fate(unit);
}

void Engine::decide_fate(Unit& unit) {
    RunEnd end{.status = unit.last_run.status, .start_failed = unit.start_failed};
    if (unit.was_ready) end.ready_for = unit.last_run.at - unit.ready_since;
    if (!is_success(unit.policy(), end)) note_failure(unit);
    const Verdict verdict = judge(*unit.definition, end, unit.history, random_, now_);
    std::string what = unit.trouble;
    std::visit(Overloaded{
                   [&](const RestartAfter& restart) {
                       if (unit.history.quick_exits > 1) {
                           what += ", " + ordinal(unit.history.quick_exits) + " time";
                       }
                       unit.origin = "restarted after " + what;
                       if (restart.delay <= Duration::zero()) {
                           change(unit, Stopped{}, std::move(what));
                       } else {
                           change(unit, Backoff{now_ + restart.delay}, std::move(what));
                       }
                   },
                   [&](const EndAsDone&) { end_for_good(unit, Done{}, std::move(what)); },
                   [&](const EndAsFailed& failed) {
                       if (failed.limit_reached) {
                           const auto& limit = *unit.policy().restart_limit;
                           const std::string times =
                               limit.count == 1 ? "once" : std::to_string(limit.count) + " times";
                           what += "; restarted " + times + " within " + in_words(limit.within) +
                                   ", the limit";
                       }
                       end_for_good(unit, Failed{}, std::move(what));
                   },
               },
               verdict);
}

/// One that stops for the restart of a requirement comes back for that reason, whatever it was
/// started for before.
void Engine::restarts_along(const Touches::Service& dependent) {
    Unit& unit = units_.at(dependent.id);
    if (unit.alive()) {
        unit.origin = "restarted because " + units_.at(dependent.reason).name() + " was restarted";
    }
}

void Engine::note_failure(Unit& unit) {
    constexpr std::size_t most = 10;
    if (unit.failures.size() == most) unit.failures.erase(unit.failures.begin());
    unit.failures.push_back({unit.trouble, unit.started, unit.last_run});
}

void Engine::end_for_good(Unit& unit, State state, std::string cause) {
    const bool failed = std::holds_alternative<Failed>(state);
    unit.goal = Goal::Down;
    unit.origin = cause;
    change(unit, std::move(state), std::move(cause));
    const config::Policy& policy = unit.policy();
    if (policy.on_exit != config::EndAction::Shutdown &&
        !(failed && policy.on_failure == config::EndAction::Shutdown)) {
        return;
    }
    const int status = unit.last_run.status.shell_status();
    begin_shutdown(failed && status == 0 ? 1 : status, "stopped because " + unit.name() + " ended",
                   unit.name() + " has ended: " + unit.cause());
}

void Engine::cancel_task(TaskId task) {
    if (!task) return;
    out_.push_back(CancelTask{task});
    units_.end_task(task);
}

void Engine::cancel_tasks(const Unit& unit) {
    if (const auto* starting = std::get_if<Starting>(&unit.state())) cancel_task(starting->probe);
    if (const auto* stopping = std::get_if<Stopping>(&unit.state())) cancel_task(stopping->command);
    if (const auto* reloading = std::get_if<Reloading>(&unit.state())) {
        cancel_task(reloading->command);
    }
}

}  // namespace reeve::core
