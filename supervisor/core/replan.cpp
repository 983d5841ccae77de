#include <algorithm>
#include <iterator>

#include "config/diff.h"
#include "supervisor/core/engine.h"

/// Another plan: what becomes of each service that it changes.
namespace reeve::core {

void Engine::on(const PlanReplaced& event) {
    // A shutdown goes on with what it has; nothing new can come of another plan.
    if (shutdown_) return;
    const config::PlanPtr before = units_.plan_ptr();
    units_.adopt(event.plan);
    std::vector<ServiceId> start;
    for (const config::ServiceChange& entry : config::diff(*before, *event.plan).services) {
        replan(entry, *before, start);
    }
    raise(start, "started because the configuration changed", false);
    units_.for_each([&](Unit& unit) {
        unit.cursors = {};
        touch(unit);
    });
    if (!event.reload_services) return;
    // Who must stop for the change, be it for a requirement's sake, is known after settling only.
    settle();
    units_.for_each([&](Unit& unit) {
        if (unit.policy().reload && std::holds_alternative<Running>(unit.state())) {
            begin_reload(unit);
        }
    });
}

void Engine::replan(const config::ServiceChange& entry, const config::Plan& before,
                    std::vector<ServiceId>& start) {
    Unit* found = entry.change == config::Change::Removed ? units_.find_removed(entry.name)
                                                          : units_.find(entry.name);
    Unit& unit = *found;
    switch (entry.change) {
        case config::Change::Unchanged:
            return;
        case config::Change::Added:
            // It may have been removed and not be gone yet; what still runs is of another plan.
            unit.removed = false;
            unit.stops_after.clear();
            unit.cycle = unit.alive() && unit.policy().enabled;
            if (unit.policy().enabled) start.push_back(unit.id());
            return;
        case config::Change::Removed:
            unit.removed = true;
            remember_order(unit, before);
            lower(unit, "no longer configured");
            return;
        case config::Change::Live:
            return live_change(unit, *before.services[*before.find(entry.name)], start);
        case config::Change::Restart:
            break;
    }
    const char* const why = "restarted because its definition changed";
    if (unit.alive() && unit.goal == Goal::Up) {
        unit.cycle = true;
        unit.origin = why;
        unit.history = {};
        start.push_back(unit.id());
    } else if (std::holds_alternative<Backoff>(unit.state())) {
        unit.origin = why;
        unit.history = {};
        change(unit, Stopped{}, unit.origin);
    } else if (std::holds_alternative<Failed>(unit.state()) && unit.policy().enabled) {
        start.push_back(unit.id());
    }
}

void Engine::live_change(Unit& unit, const config::Service& before, std::vector<ServiceId>& start) {
    if (std::holds_alternative<Starting>(unit.state()) && unit.pid &&
        unit.policy().ready != before.policy.ready) {
        readiness_changed(unit);
    }
    if (unit.goal == Goal::Down) return;
    // What it newly requires or wants is started as if it were started now itself; what it had
    // and somebody stopped stays as it is.
    const auto add_new = [&](const std::vector<std::string>& old,
                             const std::vector<std::string>& now) {
        std::vector<std::string> added;
        std::set_difference(now.begin(), now.end(), old.begin(), old.end(),
                            std::back_inserter(added));
        for (const std::string& name : added) {
            const Unit* other = units_.find(name);
            if (other != nullptr && !is_satisfied(*other)) start.push_back(other->id());
        }
    };
    const config::Relations& relations = unit.definition->relations;
    add_new(before.relations.requires_, relations.requires_);
    add_new(before.relations.wants, relations.wants);
}

void Engine::remember_order(Unit& removed, const config::Plan& before) {
    if (!removed.alive()) return;
    const config::Links& links = before.links[*before.find(removed.name())];
    for (const auto* list : {&links.required_by, &links.wanted_by, &links.before}) {
        for (const std::uint32_t place : *list) {
            const std::string& name = before.services[place]->name;
            Unit* other = units_.find(name);
            if (other == nullptr) other = units_.find_removed(name);
            if (!other->alive()) continue;
            removed.stops_after.push_back(other->id());
            other->removed_behind.push_back(removed.id());
        }
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
