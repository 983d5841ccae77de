#include "supervisor/core/units.h"

#include <algorithm>
#include <limits>

#include "base/overloaded.h"

namespace reeve::core {

namespace {

constexpr std::uint32_t no_place = std::numeric_limits<std::uint32_t>::max();

bool is_busy(const State& state) {
    if (const auto* waiting = std::get_if<Waiting>(&state)) return !waiting->stuck;
    // A service that only groups others is up for their sake.
    if (const auto* running = std::get_if<Running>(&state)) return bool{running->run};
    return is_alive(state) || std::holds_alternative<Backoff>(state);
}

}  // namespace

namespace {

/// A oneshot that has done its work, and is about to be Done.
bool is_ending_well(const Unit& unit, const Stopping& stopping) {
    return stopping.reason == StopReason::Ended && stopping.main_gone && !unit.start_failed &&
           unit.definition->execution.type == config::ServiceType::Oneshot &&
           unit.policy().success_exit.contains(unit.last_run.status);
}

}  // namespace

bool is_satisfied(const Unit& unit) {
    if (unit.halting) return false;
    if (std::holds_alternative<Done>(unit.state())) {
        // With the goal Up it is about to be run again.
        return unit.goal == Goal::Down &&
               unit.definition->execution.type == config::ServiceType::Oneshot;
    }
    return std::holds_alternative<Running>(unit.state()) ||
           std::holds_alternative<Reloading>(unit.state());
}

bool is_being_followed(const Unit& unit) {
    const auto* starting = std::get_if<Starting>(&unit.state());
    return unit.was_ready && !unit.halting && starting != nullptr &&
           starting->step == StartStep::FindMain;
}

bool is_on_its_way(const Unit& unit) {
    if (unit.goal == Goal::Down) return false;
    return std::visit(Overloaded{
                          [](const Stopped&) { return true; },
                          [](const Waiting& s) { return !s.stuck; },
                          [](const Starting&) { return true; },
                          [&](const Running&) { return unit.halting; },
                          [&](const Reloading&) { return unit.halting; },
                          [&](const Stopping& s) {
                              return s.reason == StopReason::Asked || is_ending_well(unit, s);
                          },
                          [](const Backoff&) { return false; },
                          [](const Failed&) { return false; },
                          [](const Done&) { return false; },
                      },
                      unit.state());
}

void Units::adopt(config::PlanPtr plan) {
    std::unordered_map<std::string_view, ServiceId> known;
    for (const auto& unit : units_) {
        if (unit) known.emplace(unit->name(), unit->id());
    }
    std::vector<ServiceId> by_place;
    by_place.reserve(plan->services.size());
    std::vector<std::uint32_t> places(units_.size(), no_place);
    for (std::uint32_t place = 0; place < plan->services.size(); ++place) {
        const config::ServicePtr& definition = plan->services[place];
        const auto found = known.find(definition->name);
        if (found != known.end()) {
            by_place.push_back(found->second);
            places[found->second.value - 1] = place;
        } else {
            const ServiceId id{units_.size() + 1};
            units_.emplace_back(std::in_place, id, definition);
            by_place.push_back(id);
            places.push_back(place);
        }
    }
    for (const ServiceId id : by_place) at(id).definition = plan->services[places[id.value - 1]];
    by_place_ = std::move(by_place);
    places_ = std::move(places);
    plan_ = std::move(plan);
    removed_.clear();
    for_each([this](Unit& unit) {
        note(unit);
        if (places_[unit.id().value - 1] == no_place) removed_.emplace(unit.name(), unit.id());
    });
}

void Units::restore(config::PlanPtr plan, const std::vector<UnitSnapshot>& units,
                    const Numbers& numbers) {
    units_.resize(numbers.service);
    last_run_ = numbers.run;
    last_task_ = numbers.task;
    for (const UnitSnapshot& snapshot : units) {
        Unit& unit = units_[snapshot.id.value - 1].emplace(snapshot);
        if (const auto deadline = deadline_of(unit.state_)) {
            deadlines_.emplace(*deadline, unit.id());
        }
        alive_ += std::size_t{is_alive(unit.state_)};
        busy_ += std::size_t{is_busy(unit.state_)};
        if (const RunId run = run_of(unit.state_)) runs_.emplace(run, unit.id());
        for (const TaskId task : tasks_of(unit.state_)) tasks_.emplace(task, unit.id());
    }
    adopt(std::move(plan));
}

void Units::erase(ServiceId id) {
    note(at(id));
    removed_.erase(at(id).name());
    units_[id.value - 1].reset();
}

void Units::note(Unit& unit) {
    if (!std::exchange(unit.noted_, true)) changed_.push_back(unit.id());
}

std::vector<ServiceId> Units::take_changed() {
    for (const ServiceId id : changed_) {
        if (Unit* unit = find(id)) unit->noted_ = false;
    }
    return std::exchange(changed_, {});
}

const Unit* Units::find(ServiceId id) const {
    if (!id || id.value > units_.size() || !units_[id.value - 1]) return nullptr;
    return &*units_[id.value - 1];
}

Unit* Units::find(ServiceId id) { return const_cast<Unit*>(std::as_const(*this).find(id)); }

const Unit* Units::find(std::string_view name) const {
    const auto place = plan_->find(name);
    return place ? &at_place(*place) : nullptr;
}

Unit* Units::find(std::string_view name) {
    return const_cast<Unit*>(std::as_const(*this).find(name));
}

Unit* Units::find_removed(const std::string& name) {
    const auto found = removed_.find(name);
    return found == removed_.end() ? nullptr : find(found->second);
}

const Unit* Units::by_run(RunId run) const {
    const auto found = runs_.find(run);
    return found == runs_.end() ? nullptr : find(found->second);
}

Unit* Units::by_run(RunId run) {
    Unit* unit = const_cast<Unit*>(std::as_const(*this).by_run(run));
    if (unit != nullptr) note(*unit);
    return unit;
}

Unit* Units::by_task(TaskId task) {
    const auto found = tasks_.find(task);
    if (found == tasks_.end()) return nullptr;
    Unit* unit = find(found->second);
    if (unit != nullptr) note(*unit);
    return unit;
}

std::span<const std::uint32_t> Units::neighbours(const Unit& unit, Edge edge) const {
    const std::uint32_t place = places_[unit.id().value - 1];
    if (place == no_place) return {};
    const config::Links& links = plan_->links[place];
    switch (edge) {
        case Edge::Requires:
            return links.requires_;
        case Edge::Binds:
            return links.binds;
        case Edge::BoundBy:
            return links.bound_by;
        case Edge::Conflicts:
            return links.conflicts;
        case Edge::Wants:
            return links.wants;
        case Edge::After:
            return links.after;
        case Edge::RequiredBy:
            return links.required_by;
        case Edge::WantedBy:
            return links.wanted_by;
        case Edge::Before:
            return links.before;
    }
    return {};
}

void Units::change(Unit& unit, State state, std::string cause, Time now, std::vector<Action>& out) {
    note(unit);
    const std::string_view from = name_of(unit.state_);
    const auto old_deadline = deadline_of(unit.state_);
    const auto new_deadline = deadline_of(state);
    if (old_deadline != new_deadline) {
        if (old_deadline) deadlines_.erase({*old_deadline, unit.id()});
        if (new_deadline) deadlines_.emplace(*new_deadline, unit.id());
    }
    alive_ += std::size_t{is_alive(state)} - std::size_t{is_alive(unit.state_)};
    busy_ += std::size_t{is_busy(state)} - std::size_t{is_busy(unit.state_)};
    const bool moved = state.index() != unit.state_.index();
    const bool visible = moved || cause != unit.cause_;
    unit.state_ = std::move(state);
    unit.cause_ = std::move(cause);
    if (moved) unit.since_ = now;
    if (!visible) return;
    out.push_back(
        Announce{unit.id(), unit.name(), from, name_of(unit.state_), unit.cause_, unit.pid});
}

RunId Units::new_run(const Unit& unit) {
    const RunId run{++last_run_};
    runs_.emplace(run, unit.id());
    return run;
}

TaskId Units::new_task(const Unit& unit) {
    const TaskId task{++last_task_};
    tasks_.emplace(task, unit.id());
    return task;
}

std::optional<Time> Units::next_deadline() const {
    if (deadlines_.empty()) return std::nullopt;
    return deadlines_.begin()->first;
}

std::vector<ServiceId> Units::due(Time now) const {
    std::vector<ServiceId> ids;
    for (const auto& [deadline, id] : deadlines_) {
        if (deadline > now) break;
        ids.push_back(id);
    }
    return ids;
}

}  // namespace reeve::core
