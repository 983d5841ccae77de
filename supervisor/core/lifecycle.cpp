#include <algorithm>
#include <string>
#include <utility>

#include "base/overloaded.h"
#include "supervisor/core/engine.h"

/// One service's way up, and what becomes of it at its end; the story is told in state.h.
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

std::string final_words(const config::Service& service, const RunEnd& end) {
    const std::string_view setting = what_makes_final(service, end);
    if (setting.empty()) return {};
    std::string words = "; ";
    return words.append(setting).append(" makes that final");
}

std::string awaited(const config::Probe& ready) {
    if (const auto* fd = std::get_if<config::FdCheck>(&ready.check)) {
        return "awaits a newline on descriptor " + std::to_string(fd->number);
    }
    if (const auto* log = std::get_if<config::LogCheck>(&ready.check)) {
        return "awaits a line in its log that matches " + log->pattern;
    }
    return "awaits READY=1";
}

}  // namespace

void Engine::change(Unit& unit, State state, std::string cause) {
    const bool moved = state != unit.state();
    const bool seen = !is_same_to_others(state, unit.state());
    units_.change(unit, std::move(state), std::move(cause), now_, out_);
    if (moved) touch(unit);
    if (seen) touch_neighbours(unit);
}

void Engine::change(Unit& unit, State state) { change(unit, std::move(state), unit.cause()); }

void Engine::start_run(Unit& unit) {
    const config::ServicePtr definition = unit.definition;
    unit.pid.reset();
    unit.run_pid.reset();
    unit.status_text.clear();
    unit.trouble.clear();
    unit.result.clear();
    unit.unready.clear();
    unit.unhealthy.clear();
    unit.unasked = false;
    unit.run_definition = definition;
    unit.was_ready = unit.start_failed = unit.unwell = false;
    unit.said_ready = unit.stop_timed_out = false;
    unit.reported_errno.reset();
    unit.watchdog = definition->policy.watchdog;
    unit.last_run = {};
    unit.started = now_;
    if (definition->execution.command.empty()) return become_ready(unit);
    Starting starting{.run = units_.new_run(unit), .deadline = deadline_of_start(unit, {})};
    change(unit, starting, unit.origin);
    if (definition->policy.hooks.pre_start.empty()) return launch(unit);
    begin_hooks(unit, StartStep::PreStart);
}

std::optional<Time> Engine::deadline_of_start(const Unit& unit, std::optional<Time> extended) {
    const Duration timeout = unit.policy().start_timeout;
    if (timeout <= Duration::zero()) return std::nullopt;
    const Time end = unit.started + timeout;
    return std::max(end, extended.value_or(end));
}

void Engine::launch(Unit& unit) {
    Starting starting = std::get<Starting>(unit.state());
    starting.step = StartStep::Launch;
    starting.hook = {};
    change(unit, starting, unit.origin);
    unit.unready.clear();
    out_.push_back(Spawn{starting.run, unit.id(), unit.run_definition});
}

void Engine::not_ready_yet(Unit& unit, std::string why) {
    unit.unready = std::move(why);
    change(unit, State(unit.state()), "not ready yet: " + unit.unready);
}

/// The first process of a forking service has ended, and others are there.
void Engine::find_main(Unit& unit) {
    Starting starting = std::get<Starting>(unit.state());
    starting.step = StartStep::FindMain;
    change(unit, starting);
    not_ready_yet(unit, unit.run_definition->execution.pid_file.empty() ? "awaits its main process"
                                                                        : "awaits its PID file");
    out_.push_back(FindMain{starting.run});
}

void Engine::await_readiness(Unit& unit) {
    if (unit.definition->execution.type == config::ServiceType::Oneshot) return;
    Starting starting = std::get<Starting>(unit.state());
    starting.step = StartStep::AwaitReady;
    change(unit, starting);
    const auto& ready = unit.policy().ready;
    const bool follows = unit.was_ready;
    if (!ready || follows || (ready->is_awaited() && unit.said_ready)) return become_ready(unit);
    if (!ready->is_awaited()) return ask_readiness(unit);
    not_ready_yet(unit, awaited(*ready));
}

void Engine::ask_readiness(Unit& unit) {
    Starting starting = std::get<Starting>(unit.state());
    const config::Probe& probe = *unit.policy().ready;
    starting.readiness = {units_.new_task(unit), now_ + probe.timeout, {}};
    out_.push_back(StartProbe{starting.readiness.task, starting.run, probe});
    change(unit, starting);
}

/// The supervisor lacked something, which it may have again soon.
Duration Engine::pause_before_asking_again(const config::Probe& probe) {
    constexpr Duration longest = 1s;
    return std::min(probe.interval, longest);
}

void Engine::readiness_unasked(Unit& unit, const std::string& why) {
    const auto& ready = unit.policy().ready;
    if (!ready) return become_ready(unit);
    Starting starting = std::get<Starting>(unit.state());
    starting.readiness = {{}, {}, now_ + pause_before_asking_again(*ready)};
    change(unit, starting);
    not_ready_yet(unit, "its probe cannot be asked: " + why);
}

/// `why` is what its probe has against its being ready, or nothing.
void Engine::readiness_answered(Unit& unit, const std::optional<std::string>& why) {
    Starting starting = std::get<Starting>(unit.state());
    if (!why) return become_ready(unit);
    const auto& ready = unit.policy().ready;
    starting.readiness = {{}, {}, now_ + (ready ? ready->interval : Duration::zero())};
    change(unit, starting);
    not_ready_yet(unit, *why);
}

void Engine::become_ready(Unit& unit) {
    cancel_tasks(unit);
    const bool first = !unit.was_ready;
    if (first && run_of(unit.state()) && !unit.run_definition->policy.hooks.post_start.empty()) {
        Starting starting = std::get<Starting>(unit.state());
        starting.readiness = {};
        change(unit, starting);
        return begin_hooks(unit, StartStep::PostStart);
    }
    enter_running(unit);
}

void Engine::enter_running(Unit& unit) {
    std::string cause = unit.origin;
    if (std::exchange(unit.was_ready, true)) {
        unit.trouble.clear();
        cause = "another process has followed its main process";
    } else {
        unit.ready_since = now_;
    }
    unit.unready.clear();
    const RunId run = run_of(unit.state());
    change(unit, Running{run, run ? new_watch(unit) : Watch{}}, std::move(cause));
}

void Engine::start_timed_out(Unit& unit) {
    // Nothing has followed its main process.
    if (unit.was_ready) return main_gone(unit, true);
    unit.trouble = "not ready within " + in_words(unit.policy().start_timeout);
    if (!unit.unready.empty()) unit.trouble += " (" + unit.unready + ")";
    unit.result = "timeout";
    begin_stop(unit, StopReason::StartFailed);
}

void Engine::conclude(Unit& unit) {
    const auto* stopping = std::get_if<Stopping>(&unit.state());
    const bool asked =
        unit.halting || (stopping != nullptr && stopping->reason == StopReason::Asked);
    cancel_tasks(unit);
    if (const RunId run = run_of(unit.state())) {
        out_.push_back(Reap{run});
        units_.end_run(run);
        note_end(unit);
    }
    unit.pid.reset();
    if (asked || unit.goal == Goal::Down || unit.cycle) {
        unit.cycle = false;
        std::string cause = ending_words(unit, StopReason::Asked);
        if (!unit.trouble.empty() && cause.find(unit.trouble) == std::string::npos) {
            cause += " (" + unit.trouble + ")";
        }
        return change(unit, Stopped{}, std::move(cause));
    }
    decide_fate(unit);
}

void Engine::decide_fate(Unit& unit) {
    RunEnd end{unit.last_run.status, unit.start_failed, {}, unit.unwell, unit.last_run.unseen};
    if (unit.was_ready) end.ready_for = unit.last_run.at - unit.ready_since;
    if (!is_success(unit.policy(), end)) note_failure(unit);
    const Verdict verdict = judge(*unit.definition, end, unit.history, random_, now_);
    std::string what = unit.trouble;
    std::visit(Overloaded{
                   [&](const RestartAfter& restart) {
                       if (unit.history.quick_exits > 1 && !end.unseen) {
                           what += ", " + ordinal(unit.history.quick_exits) + " time";
                       }
                       unit.origin = "restarted after " + what;
                       if (restart.delay <= Duration::zero()) {
                           change(unit, Stopped{}, std::move(what));
                       } else {
                           change(unit, Backoff{now_ + restart.delay}, std::move(what));
                       }
                   },
                   [&](const EndAsDone&) {
                       end_for_good(unit, Done{}, what + final_words(*unit.definition, end));
                   },
                   [&](const EndAsFailed& failed) {
                       if (!failed.limit_reached) {
                           what += final_words(*unit.definition, end);
                       } else {
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
        units_.note(unit);
        unit.origin = "restarted because " + units_.at(dependent.reason).name() + " was restarted";
    }
}

void Engine::note_end(Unit& unit) {
    constexpr std::size_t most = 10;
    if (unit.ended_runs.size() == most) unit.ended_runs.erase(unit.ended_runs.begin());
    const RunResult& last = unit.last_run;
    const ExitStatus status = last.executed ? last.status : ExitStatus::unknown();
    unit.ended_runs.push_back({unit.started, now_, status, unit.run_pid});
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
    for (const TaskId task : tasks_of(unit.state())) cancel_task(task);
}

}  // namespace reeve::core
