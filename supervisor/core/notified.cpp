#include <algorithm>

#include "supervisor/core/engine.h"

/// What a service says of itself by sd_notify(3).
namespace reeve::core {

void Engine::on(const Notified& event) {
    Unit* unit = units_.by_run(event.run);
    if (unit == nullptr) return;
    if (event.status) unit->status_text = *event.status;
    if (event.errnum) unit->reported_errno = event.errnum;
    if (event.restart_reset) unit->history = {};
    if (event.watchdog_interval) {
        unit->watchdog.reset();
        if (*event.watchdog_interval > Duration::zero()) unit->watchdog = event.watchdog_interval;
        feed_watchdog(*unit);
    }
    if (event.extend_timeout) extend_timeout(*unit, *event.extend_timeout);
    if (event.reloading) says_reloading(*unit, event.reloading_since);
    if (event.ready) says_ready(*unit);
    if (event.watchdog == Notified::Watchdog::Alive) feed_watchdog(*unit);
    if (event.stopping) return says_stopping(*unit);
    if (event.watchdog == Notified::Watchdog::Trigger && is_satisfied(*unit)) {
        std::string trouble = "it says that it hangs: WATCHDOG=trigger";
        watchdog_bites(*unit, std::move(trouble));
    }
}

void Engine::on(const ReadyReported& event) {
    Unit* unit = units_.by_run(event.run);
    if (unit == nullptr) return;
    const auto& ready = unit->policy().ready;
    const bool by_notify = ready && std::holds_alternative<config::NotifyCheck>(ready->check);
    if (ready && ready->is_awaited() && !by_notify) said_ready(*unit);
}

void Engine::said_ready(Unit& unit) {
    unit.said_ready = true;
    const auto* starting = std::get_if<Starting>(&unit.state());
    if (starting != nullptr && starting->step == StartStep::AwaitReady) become_ready(unit);
}

void Engine::says_ready(Unit& unit) {
    if (const auto* state = std::get_if<Reloading>(&unit.state())) {
        if (!state->announced) return;
        Reloading reloading = *state;
        reloading.announced = false;
        reloading.answered = true;
        const bool over = reloading.step == ReloadStep::AwaitReady;
        change(unit, reloading);
        if (over) end_reload(unit, true, "reloaded, as it says");
        return;
    }
    const auto& ready = unit.policy().ready;
    if (ready && std::holds_alternative<config::NotifyCheck>(ready->check)) said_ready(unit);
}

void Engine::says_reloading(Unit& unit, std::optional<Time> since) {
    if (const auto* running = std::get_if<Running>(&unit.state())) {
        unit.tells_of_reloads = true;
        const auto& reload = unit.policy().reload;
        const Duration patience = reload ? reload->timeout : config::Reload{}.timeout;
        change(unit,
               Reloading{.run = running->run,
                         .step = ReloadStep::AwaitReady,
                         .announced = true,
                         .deadline = now_ + patience,
                         .watch = running->watch},
               "it says that it reloads");
        return;
    }
    const auto* state = std::get_if<Reloading>(&unit.state());
    if (state == nullptr || !run_of(unit.state())) return;
    unit.tells_of_reloads = true;
    // One that began before it was asked to is not the answer to that.
    if (since && state->asked && *since < *state->asked) return;
    Reloading reloading = *state;
    reloading.announced = true;
    reloading.answered = false;
    if (reloading.step == ReloadStep::AwaitBegin) {
        reloading.step = ReloadStep::AwaitReady;
        const auto& reload = unit.policy().reload;
        reloading.deadline = now_ + (reload ? reload->timeout : config::Reload{}.timeout);
    }
    change(unit, reloading);
}

void Engine::says_stopping(Unit& unit) {
    const RunId run = run_of(unit.state());
    const bool has_main = run && unit.pid && !std::holds_alternative<Stopping>(unit.state());
    if (!has_main) return;
    if (const auto* starting = std::get_if<Starting>(&unit.state())) {
        const bool oneshot = unit.run_definition->execution.type == config::ServiceType::Oneshot;
        const bool up =
            starting->step == StartStep::AwaitReady || starting->step == StartStep::PostStart;
        if (!up && !oneshot) return;
        unit.start_failed = !oneshot;
    }
    Stopping stopping{.run = run, .reason = unit.halting ? StopReason::Asked : StopReason::Ended};
    begin_term(stopping, unit.stop().timeout);
    enter_stopping(unit, stopping, "it says that it is stopping");
}

void Engine::extend_timeout(Unit& unit, Duration by) {
    State state = unit.state();
    const auto extend = [&](auto& one) {
        one.extended = std::max(one.extended.value_or(Time()), now_ + by);
        if (one.deadline) one.deadline = std::max(*one.deadline, *one.extended);
    };
    if (auto* starting = std::get_if<Starting>(&state)) extend(*starting);
    if (auto* stopping = std::get_if<Stopping>(&state)) extend(*stopping);
    if (auto* reloading = std::get_if<Reloading>(&state)) {
        reloading->deadline = std::max(reloading->deadline, now_ + by);
    }
    change(unit, std::move(state));
}

}  // namespace reeve::core
