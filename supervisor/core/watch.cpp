#include <algorithm>
#include <utility>

#include "supervisor/core/engine.h"

/// How a ready service is looked after: by its health probe, and by the watchdog that it feeds.
namespace reeve::core {

Watch Engine::new_watch(const Unit& unit) const {
    Watch watch;
    if (const auto& health = unit.policy().health) watch.health.due = now_ + health->start_delay;
    if (unit.watchdog) watch.watchdog = now_ + *unit.watchdog;
    return watch;
}

void Engine::set_watch(Unit& unit, const Watch& watch) {
    State state = unit.state();
    *watch_of(state) = watch;
    change(unit, std::move(state));
}

void Engine::ask_health(Unit& unit) {
    State state = unit.state();
    Watch watch = *watch_of(state);
    watch.health = {};
    if (const auto& health = unit.policy().health) {
        watch.health.task = units_.new_task(unit);
        watch.health.deadline = now_ + health->probe.timeout;
        out_.push_back(StartProbe{watch.health.task, run_of(state), health->probe});
    }
    set_watch(unit, watch);
}

/// That says nothing of the service: what its probe had against it before stays true.
void Engine::health_unasked(Unit& unit, const std::string& why) {
    State state = unit.state();
    Watch watch = *watch_of(state);
    watch.health = {};
    if (const auto& health = unit.policy().health) {
        watch.health.due = now_ + pause_before_asking_again(health->probe);
    }
    set_watch(unit, watch);
    unit.unasked = true;
    change(unit, State(unit.state()), "its health probe cannot be asked: " + why);
}

/// `why` is what the probe has against its health, or nothing.
void Engine::health_answered(Unit& unit, const std::optional<std::string>& why) {
    State state = unit.state();
    Watch watch = *watch_of(state);
    watch.health = {};
    const auto& health = unit.policy().health;
    if (!health) return set_watch(unit, watch);
    watch.health.due = now_ + health->probe.interval;
    watch.failures = why ? watch.failures + 1 : 0;
    set_watch(unit, watch);
    if (!why) {
        const bool better = !unit.unhealthy.empty();
        unit.unhealthy.clear();
        const bool asked_again = std::exchange(unit.unasked, false);
        if (better) {
            change(unit, State(unit.state()), "healthy again");
        } else if (asked_again) {
            change(unit, State(unit.state()), "its health probe answers again");
        }
        return;
    }
    unit.unhealthy = *why;
    unit.unasked = false;
    std::string cause = "unhealthy: " + *why;
    if (watch.failures > 1) cause += ", " + std::to_string(watch.failures) + " times in a row";
    // Where nothing is done about it, it is told when it begins and once the measure is full.
    if (watch.failures <= health->failures) change(unit, State(unit.state()), cause);
    if (health->action == config::HealthAction::None || watch.failures < health->failures) return;
    unit.result = "watchdog";
    unit.trouble = std::move(cause);
    begin_stop(unit, StopReason::Unhealthy);
}

void Engine::feed_watchdog(Unit& unit) {
    State state = unit.state();
    Watch* watch = watch_of(state);
    if (watch == nullptr) return;
    watch->watchdog.reset();
    if (unit.watchdog) watch->watchdog = now_ + *unit.watchdog;
    change(unit, std::move(state));
}

void Engine::watchdog_bites(Unit& unit, std::string trouble) {
    unit.result = "watchdog";
    unit.trouble = std::move(trouble);
    begin_stop(unit, StopReason::Hung);
}

void Engine::watch_deadline_passed(Unit& unit, const Watch& watch) {
    if (watch.watchdog && *watch.watchdog <= now_) {
        return watchdog_bites(unit, "no WATCHDOG=1 within " + in_words(*unit.watchdog));
    }
    if (watch.health.due && *watch.health.due <= now_) return ask_health(unit);
    if (!watch.health.deadline || *watch.health.deadline > now_) return;
    cancel_task(watch.health.task);
    const auto& health = unit.policy().health;
    health_answered(
        unit, "no answer within " + in_words(health ? health->probe.timeout : Duration::zero()));
}

/// The definition has changed. A process was told of its watchdog when it was started, so that it
/// may be left more time at once, but no less.
void Engine::watch_changed(Unit& unit, const config::Policy& before) {
    const config::Policy& now = unit.policy();
    if (before.watchdog && !now.watchdog) {
        unit.watchdog.reset();
    } else if (now.watchdog && unit.watchdog && now.watchdog != before.watchdog) {
        unit.watchdog = std::max(*unit.watchdog, *now.watchdog);
    }
    State state = unit.state();
    Watch* watch = watch_of(state);
    if (watch == nullptr || !run_of(state)) return;
    if (!unit.watchdog) watch->watchdog.reset();
    if (now.health != before.health) {
        cancel_task(watch->health.task);
        watch->health = new_watch(unit).health;
        watch->failures = 0;
    }
    const bool told = !unit.unhealthy.empty() || unit.unasked;
    if (now.health == before.health || !told) return change(unit, std::move(state));
    unit.unhealthy.clear();
    unit.unasked = false;
    change(unit, std::move(state), "its health probe was changed");
}

}  // namespace reeve::core
