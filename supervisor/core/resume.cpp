#include <algorithm>

#include "base/overloaded.h"
#include "supervisor/core/engine.h"

/// What a predecessor had in hand when it died is taken up again. Whatever a state says that is
/// going on either is, or is begun once more: signals may be sent twice, probes are asked again,
/// and a command of which nothing is there is run again, for nobody knows what it came to. A step
/// that was done goes on to the next one by the same code as ever.
namespace reeve::core {

namespace {

/// Whether it is at a step that comes after its first process was there. One that is being stopped
/// looks after that itself.
bool had_process(const State& state) {
    const auto* starting = std::get_if<Starting>(&state);
    if (starting == nullptr) {
        return std::holds_alternative<Running>(state) || std::holds_alternative<Reloading>(state);
    }
    return starting->step != StartStep::PreStart && starting->step != StartStep::Launch;
}

std::vector<TaskId*> tasks_in(State& state) {
    std::vector<TaskId*> tasks;
    if (auto* starting = std::get_if<Starting>(&state)) {
        tasks = {&starting->readiness.task, &starting->hook.task};
    }
    if (auto* reloading = std::get_if<Reloading>(&state)) tasks = {&reloading->command};
    if (Watch* watch = watch_of(state)) tasks.push_back(&watch->health.task);
    return tasks;
}

}  // namespace

void Engine::on(const Resumed& event) {
    if (shutdown_) shutdown_->finished = false;
    const Found found{{event.runs.begin(), event.runs.end()},
                      {event.commands.begin(), event.commands.end()}};
    std::vector<ServiceId> all;
    units_.for_each([&](const Unit& unit) { all.push_back(unit.id()); });
    for (const ServiceId id : all) {
        Unit& unit = units_.at(id);
        // Its neighbours may have moved without its having heard of it.
        touch(unit);
        take_up(unit, found);
    }
}

void Engine::take_up(Unit& unit, const Found& found) {
    const RunId run = run_of(unit.state());
    const bool born = found.runs.contains(run);
    const auto under_way = [&](TaskId command) { return found.commands.contains(command); };
    if (run && !born && had_process(unit.state())) {
        State state = unit.state();
        for (TaskId* const task : tasks_in(state)) {
            if (!under_way(*task)) units_.end_task(std::exchange(*task, {}));
        }
        change(unit, std::move(state));
        return on(Exited{run, ExitStatus::unknown(), false, {}, {}, true});
    }
    std::visit(Overloaded{
                   [](const Stopped&) {},
                   [](const Waiting&) {},
                   [&](const Starting& s) { take_up_start(unit, born, under_way(s.hook.task)); },
                   [&](const Running&) { take_up_watch(unit); },
                   [&](const Reloading& s) { take_up_reload(unit, under_way(s.command)); },
                   [&](const Stopping& s) { take_up_stop(unit, born, under_way(s.command)); },
                   [](const Backoff&) {},
                   [](const Failed&) {},
                   [](const Done&) {},
               },
               State(unit.state()));
}

void Engine::take_up_start(Unit& unit, bool born, bool in_hook) {
    Starting starting = std::get<Starting>(unit.state());
    switch (starting.step) {
        case StartStep::PreStart:
        case StartStep::PostStart:
            if (in_hook) return;
            units_.end_task(std::exchange(starting.hook.task, {}));
            change(unit, starting);
            return next_start_hook(unit);
        case StartStep::Launch:
            if (born) return;
            if (unit.goal == Goal::Up && !unit.halting) return launch(unit);
            // There is nothing to be stopped, as before its launch.
            starting.step = StartStep::PreStart;
            change(unit, starting);
            return begin_stop(unit, StopReason::Asked);
        case StartStep::FindMain:
            out_.push_back(FindMain{starting.run});
            return;
        case StartStep::AwaitReady:
            break;
    }
    if (!starting.readiness.task) return;
    units_.end_task(starting.readiness.task);
    starting.readiness = {.due = now_};
    change(unit, starting);
}

/// A probe is asked again. Nobody could hear a watchdog being fed, so it has all its time again.
void Engine::take_up_watch(Unit& unit) {
    State state = unit.state();
    Watch* watch = watch_of(state);
    if (watch == nullptr || !run_of(state)) return;
    if (watch->health.task) {
        units_.end_task(watch->health.task);
        watch->health = {.due = now_};
    }
    if (watch->watchdog && unit.watchdog) watch->watchdog = now_ + *unit.watchdog;
    change(unit, std::move(state));
}

void Engine::take_up_reload(Unit& unit, bool in_command) {
    take_up_watch(unit);
    Reloading reloading = std::get<Reloading>(unit.state());
    if (in_command || reloading.step == ReloadStep::AwaitReady) return;
    const auto& reload = unit.policy().reload;
    if (!reload) return end_reload(unit, false, "no longer reloadable");
    units_.end_task(std::exchange(reloading.command, {}));
    change(unit, reloading);
    if (reloading.step == ReloadStep::Check && !reload->check.empty()) {
        return run_reload_command(unit, reloading, ReloadStep::Check, reload->check, unit.cause());
    }
    check_passed(unit);
}

void Engine::take_up_stop(Unit& unit, bool born, bool in_command) {
    Stopping stopping = std::get<Stopping>(unit.state());
    const bool had_command = stopping.command && !in_command;
    if (had_command) units_.end_task(std::exchange(stopping.command, {}));
    const bool ending = stopping.step == StopStep::Ending;
    if (!born && stopping.main_gone) stopping.tree_gone = true;
    change(unit, stopping);
    if (!born && !stopping.main_gone) {
        on(Exited{stopping.run, ExitStatus::unknown(), false, {}, {}, true});
        if (ending) return;
        stopping = std::get<Stopping>(unit.state());
    }
    if (ending) {
        if (stopping.tree_gone) return tree_gone(unit);
        if (in_command) return;
        const bool interrupted = had_command && !stopping.main_gone && stopping.deadline;
        if (interrupted) return send_stop_signal(unit);
        const bool by_itself = !stopping.main_gone && stopping.reason == StopReason::Ended;
        if (!by_itself || !stopping.deadline) continue_stop(unit);
        return;
    }
    if (in_command) {
        const bool was_told = stopping.step == StopStep::AwaitHook || !stopping.deadline;
        if (!was_told) return;
        const Duration left =
            stopping.begun && !forced() ? *stopping.begun + unit.stop().timeout - now_ : Duration();
        out_.push_back(EndTask{stopping.command, std::max(left, Duration())});
        return;
    }
    if (stopping.step == StopStep::AwaitHook) return begin_ending(unit);
    // One that was being killed is over; else it is run again.
    if (!stopping.deadline) ++stopping.hook;
    change(unit, stopping);
    next_stop_hook(unit);
}

}  // namespace reeve::core
