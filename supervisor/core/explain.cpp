#include "supervisor/core/explain.h"

#include <algorithm>
#include <unordered_set>

namespace reeve::core {

namespace {

using Edge = Units::Edge;
using Seen = std::unordered_set<ServiceId>;

/// A chain that is longer tells nobody anything more.
constexpr int deepest = 50;

struct Obstacle {
    const Unit* unit;
    std::string_view relation;
};

void add_along(const Units& units, const Unit& unit, Edge edge, std::string_view relation,
               bool (*in_the_way)(const Unit&), std::vector<Obstacle>& found) {
    for (const std::uint32_t place : units.neighbours(unit, edge)) {
        const Unit& other = units.at_place(place);
        if (in_the_way(other)) found.push_back({&other, relation});
    }
}

/// Those that keep a service from starting, or one that must stop from being stopped.
std::vector<Obstacle> obstacles_of(const Units& units, const Unit& unit) {
    std::vector<Obstacle> found;
    const auto* stopping = std::get_if<Stopping>(&unit.state());
    const bool held_back =
        unit.halting && (stopping == nullptr || stopping->reason != StopReason::Asked);
    if (held_back) {
        const auto halts = [](const Unit& other) { return other.halting; };
        for (const ServiceId id : unit.stops_after) {
            const Unit* other = units.find(id);
            if (other != nullptr && halts(*other)) found.push_back({other, "stops after"});
        }
        for (const Edge edge : {Edge::RequiredBy, Edge::WantedBy, Edge::Before}) {
            add_along(units, unit, edge, "stops after", halts, found);
        }
    }
    if (!std::holds_alternative<Waiting>(unit.state())) return found;
    for (const ServiceId id : unit.predecessors) {
        const Unit* old = units.find(id);
        if (old != nullptr && old->removed && old->alive()) {
            found.push_back({old, "takes the place of"});
        }
    }
    add_along(
        units, unit, Edge::Conflicts, "conflicts with",
        [](const Unit& other) { return other.alive(); }, found);
    const auto unsatisfied = [](const Unit& other) { return !is_satisfied(other); };
    add_along(units, unit, Edge::Requires, "requires", unsatisfied, found);
    add_along(units, unit, Edge::Wants, "wants", is_on_its_way, found);
    add_along(units, unit, Edge::After, "comes after", is_on_its_way, found);
    return found;
}

Reason reason_of(const Units& units, const Unit& unit, std::string_view relation, int depth,
                 Seen& seen) {
    Reason reason{unit.id(), relation, {}};
    if (depth == deepest) return reason;
    for (const Obstacle& obstacle : obstacles_of(units, unit)) {
        if (!seen.insert(obstacle.unit->id()).second) continue;
        reason.because.push_back(
            reason_of(units, *obstacle.unit, obstacle.relation, depth + 1, seen));
    }
    return reason;
}

/// All that are reached from a service along some edges, by whom `takes` lets through.
template <typename Takes>
std::vector<ServiceId> reach(const Units& units, const Unit& from,
                             std::initializer_list<Edge> edges, Takes takes) {
    std::vector<const Unit*> found{&from};
    Seen seen{from.id()};
    for (std::size_t i = 0; i < found.size(); ++i) {
        for (const Edge edge : edges) {
            for (const std::uint32_t place : units.neighbours(*found[i], edge)) {
                const Unit& other = units.at_place(place);
                if (takes(*found[i], other, edge) && seen.insert(other.id()).second) {
                    found.push_back(&other);
                }
            }
        }
    }
    found.erase(found.begin());
    std::sort(found.begin(), found.end(),
              [](const Unit* a, const Unit* b) { return a->name() < b->name(); });
    std::vector<ServiceId> ids;
    for (const Unit* unit : found) ids.push_back(unit->id());
    return ids;
}

}  // namespace

Reason reason_of(const Units& units, const Unit& unit) {
    Seen seen{unit.id()};
    return reason_of(units, unit, {}, 0, seen);
}

std::vector<ServiceId> waiting_for(const Units& units, const Unit& unit) {
    const auto holds_up = [](const Unit& one, const Unit& other, Edge edge) {
        if (!std::holds_alternative<Waiting>(other.state())) return false;
        return edge == Edge::RequiredBy ? !is_satisfied(one) : is_on_its_way(one);
    };
    return reach(units, unit, {Edge::RequiredBy, Edge::WantedBy, Edge::Before}, holds_up);
}

std::vector<ServiceId> dependents_of(const Units& units, const Unit& unit) {
    return reach(units, unit, {Edge::RequiredBy},
                 [](const Unit&, const Unit&, Edge) { return true; });
}

}  // namespace reeve::core
