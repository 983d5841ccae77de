#include <algorithm>
#include <array>
#include <span>
#include <unordered_set>

#include "supervisor/core/engine.h"

/// Order: whether a service may start or must stop follows from its neighbours' present states and
/// from nothing else, so it cannot go stale. A worklist holds whoever has a neighbour that changed.
namespace reeve::core {

namespace {

using Edge = Units::Edge;

bool is_stopping_on_request(const State& state) {
    const auto* stopping = std::get_if<Stopping>(&state);
    return stopping != nullptr && stopping->reason == StopReason::Asked;
}

/// Looks along some kinds of edges for a neighbour that is in the way, from where the last look
/// found one: whoever has ten thousand neighbours would else look at all those that are out of the
/// way already, each time that one more is.
template <std::size_t N, typename InTheWay>
const Unit* find_in_the_way(const Units& units, const Unit& unit, const Edge (&edges)[N],
                            std::uint32_t& cursor, InTheWay in_the_way) {
    std::array<std::span<const std::uint32_t>, N> lists;
    std::uint32_t total = 0;
    for (std::size_t i = 0; i < N; ++i) {
        lists[i] = units.neighbours(unit, edges[i]);
        total += static_cast<std::uint32_t>(lists[i].size());
    }
    for (std::uint32_t looked = 0; looked < total; ++looked, ++cursor) {
        if (cursor >= total) cursor = 0;
        std::size_t at = cursor;
        std::size_t list = 0;
        while (at >= lists[list].size()) at -= lists[list++].size();
        const Unit& other = units.at_place(lists[list][at]);
        if (in_the_way(other)) return &other;
    }
    return nullptr;
}

}  // namespace

/// The service and whatever it needs to be up, but for those that are `up` already by the same
/// request. What cannot come along is left out where it is only wanted; else `rival` is in its way.
Engine::Needs Engine::needs_of(ServiceId first, const std::unordered_set<ServiceId>& up) {
    Needs needs;
    std::unordered_set<ServiceId> taken;
    std::unordered_set<ServiceId> seen{first};
    std::deque<Need> wanted{{first, {}, true}};
    while (!wanted.empty()) {
        const Need next = wanted.front();
        wanted.pop_front();
        const Unit& unit = units_.at(next.id);
        const Unit* rival = rival_of(unit, up);
        if (rival == nullptr) rival = rival_of(unit, taken);
        if (rival != nullptr) {
            if (!next.needed) continue;
            needs.rival = rival;
            return needs;
        }
        taken.insert(next.id);
        needs.services.push_back(next);
        // A oneshot that is done need not run again for whoever requires it.
        if (next.by && is_satisfied(unit) && unit.goal == Goal::Up) continue;
        if (next.by && std::holds_alternative<Done>(unit.state()) && is_satisfied(unit)) continue;
        for (const Edge edge : {Edge::Requires, Edge::Wants}) {
            for (const std::uint32_t place : units_.neighbours(unit, edge)) {
                const Unit& other = units_.at_place(place);
                if (up.contains(other.id()) || !seen.insert(other.id()).second) continue;
                wanted.push_back({other.id(), unit.id(), next.needed && edge == Edge::Requires});
            }
        }
    }
    return needs;
}

Engine::Raised Engine::raise(const std::vector<ServiceId>& first, const std::string& origin,
                             bool by_hand) {
    Raised raised;
    std::unordered_set<ServiceId> up;
    for (const ServiceId id : first) {
        if (up.contains(id)) {
            // Needed by an earlier one, and named as well.
            raise_one({id, {}, true}, origin, by_hand, raised);
            continue;
        }
        const Needs needs = needs_of(id, up);
        if (needs.rival != nullptr) {
            raised.refused.push_back({id, needs.rival->id()});
            continue;
        }
        for (const Need& need : needs.services) {
            up.insert(need.id);
            raise_one(need, origin, by_hand, raised);
        }
    }
    std::erase_if(raised.started, [&](const Touches::Service& touched) {
        return std::find(first.begin(), first.end(), touched.id) != first.end();
    });
    return raised;
}

void Engine::raise_one(const Need& need, const std::string& origin, bool by_hand, Raised& raised) {
    Unit& unit = units_.at(need.id);
    const auto* stopping = std::get_if<Stopping>(&unit.state());
    const bool ended = stopping != nullptr && stopping->reason != StopReason::Asked;
    const bool renewed = !need.by && by_hand && (!unit.alive() || ended);
    const bool done = need.by && std::holds_alternative<Done>(unit.state()) && is_satisfied(unit);
    if (done || (unit.goal == Goal::Up && !renewed)) return;
    if (need.by) raised.started.push_back({need.id, need.by});
    stop_rivals(unit, raised.stopped);
    unit.goal = Goal::Up;
    unit.origin = need.by ? "started for " + units_.at(need.by).name() : origin;
    unit.history = {};
    // Whoever asks by hand does not want to wait for the backoff, now or later.
    if (std::holds_alternative<Backoff>(unit.state())) change(unit, Stopped{}, unit.origin);
    if (ended) {
        // It comes back by this, not by its policy.
        Stopping asked = *stopping;
        asked.reason = StopReason::Asked;
        change(unit, asked);
    } else if (stopping != nullptr) {
        change(unit, State(unit.state()), unit.cause() + "; then to be started again");
    }
    touch(unit);
    touch_neighbours(unit);
}

/// One of these that must never be up together with the service.
const Unit* Engine::rival_of(const Unit& unit, const std::unordered_set<ServiceId>& among) const {
    for (const std::uint32_t place : units_.neighbours(unit, Edge::Conflicts)) {
        const Unit& other = units_.at_place(place);
        if (among.contains(other.id())) return &other;
    }
    return nullptr;
}

void Engine::stop_rivals(const Unit& unit, std::vector<Touches::Service>& stopped) {
    for (const std::uint32_t place : units_.neighbours(unit, Edge::Conflicts)) {
        Unit& rival = units_.at_place(place);
        if (rival.goal == Goal::Down && !rival.alive()) continue;
        const std::string because = ", with which it conflicts, was started";
        stop_rival(rival, unit, "stopped because " + unit.name() + because, stopped);
    }
}

/// With all that require it.
void Engine::stop_rival(Unit& rival, const Unit& unit, std::string origin,
                        std::vector<Touches::Service>& stopped) {
    for (const Touches::Service& dependent : dependents_of({rival.id()})) {
        stopped.push_back(dependent);
        lower(units_.at(dependent.id),
              "stopped because " + units_.at(dependent.reason).name() + " was stopped");
    }
    stopped.push_back({rival.id(), unit.id(), true});
    lower(rival, std::move(origin));
}

void Engine::lower(Unit& unit, std::string origin) {
    units_.note(unit);
    unit.cycle = false;
    if (unit.goal == Goal::Down) return;
    unit.goal = Goal::Down;
    unit.origin = std::move(origin);
    touch(unit);
    touch_neighbours(unit);
}

std::vector<Touches::Service> Engine::dependents_of(const std::vector<ServiceId>& services) const {
    std::vector<Touches::Service> found;
    std::unordered_set<ServiceId> seen(services.begin(), services.end());
    const auto visit = [&](ServiceId id) {
        // Whoever is down already does not take anybody else along.
        const Unit& unit = *units_.find(id);
        if (!unit.alive() && unit.goal == Goal::Down) return;
        for (const std::uint32_t place : units_.neighbours(unit, Edge::RequiredBy)) {
            const Unit& other = units_.at_place(place);
            if (other.goal == Goal::Up && seen.insert(other.id()).second) {
                found.push_back({other.id(), id});
            }
        }
    };
    for (const ServiceId id : services) visit(id);
    for (std::size_t i = 0; i < found.size(); ++i) visit(found[i].id);
    return found;
}

void Engine::touch(Unit& unit) {
    units_.note(unit);
    moved_.push_back(unit.id());
    halt_queue_.push_back(unit.id());
    if (unit.queued) return;
    unit.queued = true;
    queue_.push_back(unit.id());
}

void Engine::touch_neighbours(Unit& unit) {
    for (const std::uint32_t place : units_.neighbours(unit, Edge::BoundBy)) {
        halt_queue_.push_back(units_.at_place(place).id());
    }
    for (const Edge edge : {Edge::RequiredBy, Edge::WantedBy, Edge::Before, Edge::Requires,
                            Edge::Wants, Edge::After, Edge::Conflicts}) {
        for (const std::uint32_t place : units_.neighbours(unit, edge)) {
            Unit& other = units_.at_place(place);
            if (other.queued) continue;
            other.queued = true;
            queue_.push_back(other.id());
        }
    }
    for (const ServiceId id : unit.removed_behind) {
        if (Unit* removed = units_.find(id)) touch(*removed);
    }
}

void Engine::settle() {
    for (;;) {
        // First everybody learns whether it must stop, so that the order of stopping is known
        // before the first one is stopped.
        settle_halting();
        if (queue_.empty()) return;
        const ServiceId id = queue_.front();
        queue_.pop_front();
        Unit* unit = units_.find(id);
        if (unit == nullptr) continue;
        unit->queued = false;
        settle(*unit);
    }
}

void Engine::settle_halting() {
    while (!halt_queue_.empty()) {
        Unit* unit = units_.find(halt_queue_.front());
        halt_queue_.pop_front();
        if (unit == nullptr) continue;
        note_lost_bond(*unit);
        if (unit->halting == must_halt(*unit)) continue;
        unit->halting = !unit->halting;
        touch(*unit);
        touch_neighbours(*unit);
        for (const std::uint32_t place : units_.neighbours(*unit, Edge::RequiredBy)) {
            halt_queue_.push_back(units_.at_place(place).id());
        }
    }
}

bool Engine::must_halt(const Unit& unit) const {
    if (!unit.alive()) return false;
    if (unit.goal == Goal::Down || unit.cycle) return true;
    const auto requirements = units_.neighbours(unit, Edge::Requires);
    return std::any_of(requirements.begin(), requirements.end(),
                       [&](std::uint32_t place) { return units_.at_place(place).halting; });
}

/// One that it is bound to has ended: it restarts along with that, however soon that is back.
void Engine::note_lost_bond(Unit& unit) {
    if (!unit.alive() || unit.goal == Goal::Down || unit.cycle) return;
    for (const std::uint32_t place : units_.neighbours(unit, Edge::Binds)) {
        const Unit& other = units_.at_place(place);
        if (is_satisfied(other) || is_being_followed(other)) continue;
        units_.note(unit);
        unit.cycle = true;
        if (!other.halting) {
            unit.origin = "restarted because " + other.name() + ", which it is bound to, ended";
        }
        return;
    }
}

void Engine::settle(Unit& unit) {
    if (unit.halting) {
        if (is_stopping_on_request(unit.state())) return;
        if (in_the_way_of_stop(unit) != nullptr) return;
        return begin_stop(unit, StopReason::Asked);
    }
    if (unit.alive()) return;
    if (unit.goal == Goal::Down) {
        if (std::holds_alternative<Waiting>(unit.state()) ||
            std::holds_alternative<Backoff>(unit.state())) {
            change(unit, Stopped{}, unit.origin);
        }
        if (unit.removed) forget(unit);
        return;
    }
    if (!std::holds_alternative<Backoff>(unit.state())) try_start(unit);
}

const Unit* Engine::in_the_way_of_stop(Unit& unit) const {
    for (const ServiceId id : unit.stops_after) {
        const Unit* other = units_.find(id);
        if (other != nullptr && other->halting) return other;
    }
    return find_in_the_way(units_, unit, {Edge::RequiredBy, Edge::WantedBy, Edge::Before},
                           unit.cursors.stop, [](const Unit& other) { return other.halting; });
}

void Engine::forget(Unit& unit) {
    requests_.look_at(unit);
    for (const ServiceId id : unit.successors) {
        Unit* successor = units_.find(id);
        if (successor == nullptr) continue;
        std::erase(successor->predecessors, unit.id());
        touch(*successor);
    }
    for (const ServiceId id : unit.stops_after) {
        Unit* other = units_.find(id);
        if (other == nullptr) continue;
        std::erase(other->removed_behind, unit.id());
        units_.note(*other);
    }
    out_.push_back(Forget{unit.id(), unit.name()});
    units_.erase(unit.id());
}

void Engine::try_start(Unit& unit) {
    const auto wait = [&](const Unit& other, bool stuck) {
        std::string cause = "waits for " + other.name();
        if (stuck) cause += " (" + std::string(name_of(other.state())) + ")";
        change(unit, Waiting{other.id(), stuck}, std::move(cause));
    };
    for (const ServiceId id : unit.predecessors) {
        const Unit* old = units_.find(id);
        if (old != nullptr && old->removed && old->alive()) return wait(*old, false);
    }
    for (const std::uint32_t place : units_.neighbours(unit, Edge::Conflicts)) {
        const Unit& rival = units_.at_place(place);
        if (rival.alive()) return wait(rival, !rival.halting);
    }
    const Unit* requirement =
        find_in_the_way(units_, unit, {Edge::Requires}, unit.cursors.requirements,
                        [](const Unit& other) { return !is_satisfied(other); });
    if (requirement != nullptr) return wait(*requirement, !is_on_its_way(*requirement));
    const Unit* other = find_in_the_way(units_, unit, {Edge::Wants, Edge::After},
                                        unit.cursors.order, is_on_its_way);
    if (other != nullptr) return wait(*other, false);
    start_run(unit);
}

}  // namespace reeve::core
