#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <tuple>
#include <unordered_set>

#include "config/diff.h"
#include "supervisor/core/engine.h"

/// Another plan: what becomes of each service that it changes.
namespace reeve::core {

namespace {

/// What the present run goes by once its service has another definition: by that, but for its hooks
/// in their midst; and by how long a stop may take alone where that would make another process.
config::ServicePtr definition_of_run(const Unit& unit) {
    if (!unit.run_definition) return unit.definition;
    const config::Service &run = *unit.run_definition, &now = *unit.definition;
    const bool same_process = run.execution == now.execution;
    const auto* starting = std::get_if<Starting>(&unit.state());
    const auto* stopping = std::get_if<Stopping>(&unit.state());
    const bool in_hooks = (starting != nullptr && starting->hook.task) ||
                          (stopping != nullptr && stopping->step != StopStep::Ending);
    if (same_process && !in_hooks) return unit.definition;
    config::Service mixed = same_process ? now : run;
    mixed.policy.hooks = run.policy.hooks;
    mixed.policy.stop.timeout = now.policy.stop.timeout;
    return std::make_shared<const config::Service>(std::move(mixed));
}

/// The hook that a stop is at, if it is there yet.
const config::Hook* hook_of(const Unit& unit, const Stopping& stopping) {
    const config::Hooks& hooks = unit.run_definition->policy.hooks;
    const auto& list = stopping.step == StopStep::PreStop ? hooks.pre_stop : hooks.post_stop;
    const bool runs = stopping.command &&
                      (stopping.step == StopStep::PreStop || stopping.step == StopStep::PostStop);
    return runs ? &list[stopping.hook] : nullptr;
}

bool declares_conflict(const Unit& unit, const Unit& other) {
    const auto& names = unit.definition->relations.conflicts;
    return std::find(names.begin(), names.end(), other.name()) != names.end();
}

/// Of two that were started by one event the later one has the greater run; groups have none.
bool was_started_after(const Unit& unit, const Unit& other) {
    const auto mark = [](const Unit& one) {
        return std::tuple(one.started, run_of(one.state()), one.id());
    };
    return mark(unit) > mark(other);
}

bool is_among(const std::vector<Touches::Service>& services, ServiceId id) {
    return std::any_of(services.begin(), services.end(),
                       [&](const Touches::Service& touched) { return touched.id == id; });
}

}  // namespace

void Engine::on(const PlanReplaced& event) {
    // A shutdown goes on with what it has; nothing new can come of another plan.
    if (shutdown_) return reply(event.request, {});
    const config::PlanPtr before = units_.plan_ptr();
    units_.adopt(event.plan);
    std::vector<ServiceId> start, added, removed, live, concerned;
    for (const config::ServiceChange& entry : config::diff(*before, *event.plan).services) {
        if (entry.change == config::Change::Unchanged) continue;
        const Unit* unit = entry.change == config::Change::Removed ? units_.find_removed(entry.name)
                                                                   : units_.find(entry.name);
        concerned.push_back(unit->id());
        if (entry.change == config::Change::Live) live.push_back(unit->id());
        if (entry.change == config::Change::Added) added.push_back(unit->id());
        if (entry.change == config::Change::Removed) removed.push_back(unit->id());
        replan(entry, *before, start);
    }
    let_renamed_wait(added, removed);
    open_apply(event, concerned);
    std::vector<Touches::Service> parted;
    for (const ServiceId id : concerned) part_new_rivals(units_.at(id), *before, parted);
    std::erase_if(start, [&](ServiceId id) { return is_among(parted, id); });
    Raised raised = raise(start, "started because the configuration changed", false);
    raised.stopped.insert(raised.stopped.begin(), parted.begin(), parted.end());
    // What is true at once needs no waiting for, whatever state the service is in.
    for (const ServiceId id : live) {
        const Unit& unit = units_.at(id);
        const bool moves = unit.cycle || is_among(raised.stopped, id);
        if (!moves) requests_.settle(event.request, outcome_of(unit, Outcome::Kind::Done));
    }
    announce_taken_along(event.request, concerned, std::move(raised));
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
            unit.predecessors.clear();
            unit.cycle = unit.alive() && unit.policy().enabled;
            if (unit.policy().enabled) start.push_back(unit.id());
            if (!unit.alive()) change(unit, Stopped{}, "added to the configuration");
            timeouts_changed(unit);
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
    if (std::holds_alternative<Stopping>(unit.state())) {
        unit.run_definition = definition_of_run(unit);
    }
    timeouts_changed(unit);
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
    unit.run_definition = definition_of_run(unit);
    watch_changed(unit, before.policy);
    timeouts_changed(unit);
    if (unit.policy().ready != before.policy.ready) ready_changed(unit);
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
    add_new(before.relations.binds, relations.binds);
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

/// What is added with the command or the address of one that is removed is most likely that one
/// under another name, and would find its port or its files taken.
void Engine::let_renamed_wait(const std::vector<ServiceId>& added,
                              const std::vector<ServiceId>& removed) {
    std::map<config::Argv, std::vector<ServiceId>> by_mark;
    const auto marks = [](const Unit& unit) {
        std::vector<config::Argv> found{unit.definition->execution.command};
        const auto& ready = unit.policy().ready;
        const auto* tcp = ready ? std::get_if<config::TcpCheck>(&ready->check) : nullptr;
        if (tcp != nullptr) found.push_back({"tcp", tcp->host, std::to_string(tcp->port)});
        return found;
    };
    for (const ServiceId id : removed) {
        const Unit& old = units_.at(id);
        if (!old.alive()) continue;
        for (const config::Argv& mark : marks(old)) by_mark[mark].push_back(id);
    }
    const auto wait_for = [&](Unit& unit, const std::string& name) {
        Unit* old = units_.find_removed(name);
        if (old == nullptr || !old->alive()) return;
        unit.predecessors.push_back(old->id());
        old->successors.push_back(unit.id());
    };
    for (const ServiceId id : added) {
        Unit& unit = units_.at(id);
        for (const std::string& name : unit.definition->relations.conflicts) wait_for(unit, name);
    }
    for (const ServiceId id : removed) {
        for (const std::string& name : units_.at(id).definition->relations.conflicts) {
            if (Unit* unit = units_.find(name)) wait_for(*unit, units_.at(id).name());
        }
    }
    if (by_mark.empty()) return;
    for (const ServiceId id : added) {
        Unit& unit = units_.at(id);
        for (const config::Argv& mark : marks(unit)) {
            const auto found = by_mark.find(mark);
            if (found == by_mark.end()) continue;
            for (const ServiceId old : found->second) {
                unit.predecessors.push_back(old);
                units_.at(old).successors.push_back(id);
            }
        }
    }
}

/// Of two that are up and come to conflict the one that says so stays, as if it had been started
/// now; of two that both say so the one that was started later.
void Engine::part_new_rivals(Unit& unit, const config::Plan& before,
                             std::vector<Touches::Service>& stopped) {
    const auto place = before.find(unit.name());
    if (!place) return;
    for (const std::uint32_t neighbour : units_.neighbours(unit, Units::Edge::Conflicts)) {
        Unit& other = units_.at_place(neighbour);
        const auto& old = before.links[*place].conflicts;
        const bool is_old = std::any_of(old.begin(), old.end(), [&](std::uint32_t rival) {
            return before.services[rival]->name == other.name();
        });
        if (is_old || !before.find(other.name())) continue;
        if (unit.goal == Goal::Down || other.goal == Goal::Down) continue;
        const bool both = declares_conflict(unit, other) && declares_conflict(other, unit);
        const bool stays = both ? was_started_after(unit, other) : declares_conflict(unit, other);
        Unit& goes = stays ? other : unit;
        const Unit& rival = stays ? unit : other;
        stop_rival(goes, rival, "stopped because it now conflicts with " + rival.name(), stopped);
    }
}

void Engine::open_apply(const PlanReplaced& event, const std::vector<ServiceId>& concerned) {
    if (!event.request) return;
    requests_.open({event.request, Verb::Apply, concerned, event.wait, event.deadline});
}

/// Names those that the change touches though their own definitions are the same.
void Engine::announce_taken_along(RequestId request, const std::vector<ServiceId>& concerned,
                                  Raised raised) {
    std::vector<ServiceId> cycled = concerned;
    std::erase_if(cycled, [&](ServiceId id) { return !units_.at(id).cycle; });
    const std::unordered_set<ServiceId> own(concerned.begin(), concerned.end());
    const auto is_concerned = [&](const Touches::Service& touched) {
        return own.contains(touched.id);
    };
    std::vector<Touches::Service> dependents = dependents_of(cycled);
    std::erase_if(dependents, is_concerned);
    std::erase_if(raised.started, is_concerned);
    for (const Touches::Service& dependent : dependents) restarts_along(dependent);
    if (request) announce_touched(request, Verb::Restart, std::move(dependents));
    announce_raised(request, raised);
}

/// A start or a stop that is under way has the time that it now has from its beginning on, which
/// may be over.
void Engine::timeouts_changed(Unit& unit) {
    if (const auto* state = std::get_if<Starting>(&unit.state())) {
        if (unit.was_ready) return;
        Starting starting = *state;
        starting.deadline = deadline_of_start(unit, starting.extended);
        return change(unit, starting);
    }
    const auto* state = std::get_if<Stopping>(&unit.state());
    if (state == nullptr || !state->begun) return;
    Stopping stopping = *state;
    const config::Hook* hook = hook_of(unit, stopping);
    const Duration timeout = unit.stop().timeout;
    if (stopping.deadline) {
        const Duration term = hook != nullptr ? term_of(*hook, unit.stop()) : timeout;
        stopping.deadline = std::max(*stopping.begun + term, stopping.extended.value_or(Time()));
        change(unit, stopping);
    } else if (stopping.command) {
        const Duration left = *stopping.begun + timeout - now_;
        out_.push_back(EndTask{stopping.command, std::max(left, Duration())});
    }
}

/// One that is on its way is ready by what it now has to be ready by.
void Engine::ready_changed(Unit& unit) {
    const auto* state = std::get_if<Starting>(&unit.state());
    if (state == nullptr || state->step == StartStep::PostStart || unit.was_ready) return;
    const auto& ready = unit.policy().ready;
    if (ready && ready->is_awaited()) {
        // The process that is there was given nothing by which it could say so, or has said it.
        unit.cycle = true;
        unit.origin = "restarted because its definition changed";
        return;
    }
    if (state->step != StartStep::AwaitReady) return;
    Starting starting = *state;
    cancel_task(starting.readiness.task);
    starting.readiness = {};
    change(unit, starting);
    await_readiness(unit);
}

}  // namespace reeve::core
