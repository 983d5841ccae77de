#include "config/diff.h"
#include "supervisor/core/engine.h"

namespace reeve::core {

void Engine::on(const PlanReplaced& event) {
    // A shutdown goes on with what it has; nothing new can come of another plan.
    if (shutdown_) return;
    const config::PlanPtr before = units_.plan_ptr();
    units_.adopt(event.plan);
    std::vector<ServiceId> start;
    for (const config::ServiceDiff& entry : config::diff(*before, *event.plan)) {
        replan(entry, start);
    }
    raise(start, "started because the configuration changed", false);
    units_.for_each([&](Unit& unit) {
        unit.held_by = {};
        touch(unit);
        if (event.reload_services && unit.policy().reload && !unit.cycle &&
            std::holds_alternative<Running>(unit.state())) {
            begin_reload(unit);
        }
    });
}

void Engine::replan(const config::ServiceDiff& entry, std::vector<ServiceId>& start) {
    Unit* found = entry.change == config::Change::Removed ? units_.find_removed(entry.name)
                                                          : units_.find(entry.name);
    Unit& unit = *found;
    switch (entry.change) {
        case config::Change::Unchanged:
            return;
        case config::Change::Added:
            unit.removed = false;
            if (unit.policy().enabled) start.push_back(unit.id());
            return;
        case config::Change::Removed:
            unit.removed = true;
            lower(unit, "no longer configured");
            return;
        case config::Change::Live:
            // What it newly requires or wants must be there as if it were started now.
            if (unit.goal == Goal::Up) start.push_back(unit.id());
            if (std::holds_alternative<Starting>(unit.state()) && unit.pid) readiness_changed(unit);
            return;
        case config::Change::Restart:
            break;
    }
    unit.origin = "restarted because its definition changed";
    unit.history = {};
    if (unit.alive() && unit.goal == Goal::Up) {
        unit.cycle = true;
        start.push_back(unit.id());
    } else if (std::holds_alternative<Backoff>(unit.state())) {
        change(unit, Stopped{}, unit.origin);
    } else if (std::holds_alternative<Failed>(unit.state()) && unit.policy().enabled) {
        start.push_back(unit.id());
    }
}

void Engine::readiness_changed(Unit& unit) {
    Starting starting = std::get<Starting>(unit.state());
    cancel_task(starting.probe);
    starting.probe = {};
    starting.probe_deadline.reset();
    starting.probe_due.reset();
    change(unit, starting, unit.cause());
    await_readiness(unit);
}

}  // namespace reeve::core
