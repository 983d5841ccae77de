// The rules for a service: what must hold of it and its neighbours after every event.
#include <algorithm>
#include <cmath>

#include "tests/support/engine_watch.h"

namespace reeve::test {

using namespace core;
using Edge = Units::Edge;

namespace {

template <typename S>
bool is(const Unit& unit) {
    return std::holds_alternative<S>(unit.state());
}

bool is_oneshot(const Unit& unit) {
    return unit.definition->execution.type == config::ServiceType::Oneshot;
}

bool satisfied(const Unit& unit) {
    return !unit.halting && (is<Running>(unit) || is<Reloading>(unit) ||
                             (is<Done>(unit) && unit.goal == Goal::Down && is_oneshot(unit)));
}

/// Going to be ready or stopped for a restart: what others wait for in hope.
bool on_its_way(const Unit& unit) {
    if (unit.goal == Goal::Down) return false;
    if (const auto* waiting = std::get_if<Waiting>(&unit.state())) return !waiting->stuck;
    if (const auto* stopping = std::get_if<Stopping>(&unit.state())) {
        const bool well = !unit.start_failed && stopping->main_gone && is_oneshot(unit) &&
                          unit.policy().success_exit.contains(unit.last_run.status);
        return stopping->reason == StopReason::Asked ||
               (stopping->reason == StopReason::Ended && well);
    }
    return is<Starting>(unit) || ((is<Running>(unit) || is<Reloading>(unit)) && unit.halting);
}

bool asked_to_stop(const Unit& unit) {
    const auto* stopping = std::get_if<Stopping>(&unit.state());
    return stopping != nullptr && stopping->reason == StopReason::Asked;
}

}  // namespace

bool EngineWatch::announced_satisfied(const Unit& unit) {
    const std::string_view state = past(unit.id()).announced;
    return state == "running" || state == "reloading" || (state == "done" && is_oneshot(unit));
}

void EngineWatch::expect(bool holds, const Unit& unit, const char* rule) {
    if (holds) return;
    violated(unit.name() + " (" + std::string(name_of(unit.state())) +
             (unit.goal == Goal::Up ? ", up" : ", down") + (unit.halting ? ", halting" : "") +
             (unit.cycle ? ", cycle" : "") + (unit.removed ? ", removed" : "") + "): " + rule);
}

void EngineWatch::check_unit(const Unit& unit) {
    Past& before = past(unit.id());
    expect(before.announced == name_of(unit.state()), unit, "its state was not announced");
    expect(before.run == run_of(unit.state()), unit, "its state and its run differ");
    bool must = unit.alive() && (unit.goal == Goal::Down || unit.cycle);
    for (const std::uint32_t place : engine_.units().neighbours(unit, Edge::Requires)) {
        must = must || (unit.alive() && engine_.units().at_place(place).halting);
    }
    for (const std::uint32_t place : engine_.units().neighbours(unit, Edge::Binds)) {
        const Unit& other = engine_.units().at_place(place);
        expect(must || !unit.alive() || satisfied(other) || is_being_followed(other), unit,
               "outlives one that it is bound to");
    }
    expect(unit.halting == must, unit, "halting is not what follows from its neighbours");
    for (const std::uint32_t place : engine_.units().neighbours(unit, Edge::Conflicts)) {
        const Unit& rival = engine_.units().at_place(place);
        const bool both = unit.alive() && !unit.halting && rival.alive() && !rival.halting;
        expect(!both, unit, "goes on beside its rival");
    }
    expect(unit.alive() || !unit.cycle, unit, "a restart is due of what is not alive");
    // What halts may be running as an earlier definition had it.
    expect(unit.halting || !is<Running>(unit) || run_of(unit.state()) ||
               unit.definition->execution.command.empty(),
           unit, "running without a run");
    check_tasks(unit);
    check_timeouts(unit);
    check_rest(unit);
    check_stop_order(unit);
    check_restarts(unit, before);
    before.was_asked_to_stop = asked_to_stop(unit);
}

void EngineWatch::check_tasks(const Unit& unit) {
    const std::vector<TaskId> named = tasks_of(unit.state());
    const std::set<TaskId> expected(named.begin(), named.end());
    std::set<TaskId> open;
    for (const auto& [task, of] : tasks_) {
        if (of.run == run_of(unit.state())) open.insert(task);
    }
    expect(open == expected, unit, "its tasks under way are not those that its state names");
}

/// What is under way ends by its timeout, counted from its beginning, whenever that was changed.
void EngineWatch::check_timeouts(const Unit& unit) {
    const auto* starting = std::get_if<Starting>(&unit.state());
    const bool limited = unit.policy().start_timeout > Duration::zero();
    if (starting != nullptr && !unit.was_ready && limited) {
        const Time end = unit.started + unit.policy().start_timeout;
        expect(starting->deadline == std::max(end, starting->extended.value_or(end)), unit,
               "does not start by its timeout");
    }
    const auto* stopping = std::get_if<Stopping>(&unit.state());
    if (stopping == nullptr || stopping->step != StopStep::Ending || !stopping->deadline) return;
    const Time end = stopping->begun.value_or(Time()) + unit.stop().timeout;
    expect(stopping->deadline == std::max(end, stopping->extended.value_or(end)), unit,
           "does not stop by its timeout");
}

void EngineWatch::check_rest(const Unit& unit) {
    if (!unit.alive()) {
        expect(!unit.removed, unit, "removed and stopped, yet not forgotten");
        if (unit.goal == Goal::Up) {
            expect(is<Waiting>(unit) || is<Backoff>(unit), unit, "could start and does not");
        } else {
            expect(!is<Waiting>(unit) && !is<Backoff>(unit), unit, "on its way up for nobody");
        }
    }
    if (const auto* waiting = std::get_if<Waiting>(&unit.state())) check_waiting(unit, *waiting);
    if (const auto* stopping = std::get_if<Stopping>(&unit.state())) {
        const Run& run = runs_[stopping->run];
        const auto task = tasks_.find(stopping->command);
        const bool killed = (stopping->step == StopStep::Ending && run.killed) ||
                            (task != tasks_.end() && task->second.killed);
        expect(stopping->deadline || killed, unit, "stops without an end");
        expect(stopping->main_gone == (run.main_gone || !run.launched), unit,
               "does not know whether its main process is there");
    }
    if (!unit.halting || asked_to_stop(unit)) return;
    const auto halts = [&](ServiceId id) {
        const Unit* other = engine_.units().find(id);
        return other != nullptr && other->halting;
    };
    bool held = std::any_of(unit.stops_after.begin(), unit.stops_after.end(), halts);
    for (const Edge edge : {Edge::RequiredBy, Edge::WantedBy, Edge::Before}) {
        for (const std::uint32_t place : engine_.units().neighbours(unit, edge)) {
            held = held || engine_.units().at_place(place).halting;
        }
    }
    expect(held, unit, "must stop, could and does not");
}

void EngineWatch::check_waiting(const Unit& unit, const Waiting& waiting) {
    const Unit* on = engine_.units().find(waiting.on);
    if (on == nullptr) return expect(false, unit, "waits for what is not there");
    bool required = false, ordered = false;
    for (const std::uint32_t place : engine_.units().neighbours(unit, Edge::Requires)) {
        required = required || &engine_.units().at_place(place) == on;
    }
    for (const Edge edge : {Edge::Wants, Edge::After}) {
        for (const std::uint32_t place : engine_.units().neighbours(unit, edge)) {
            ordered = ordered || &engine_.units().at_place(place) == on;
        }
    }
    for (const std::uint32_t place : engine_.units().neighbours(unit, Edge::Conflicts)) {
        if (&engine_.units().at_place(place) == on && on->alive()) return;
    }
    const bool predecessor = on->removed && on->alive() &&
                             std::find(unit.predecessors.begin(), unit.predecessors.end(),
                                       waiting.on) != unit.predecessors.end();
    if (predecessor) return expect(!waiting.stuck, unit, "gives up on one that is to be gone");
    const bool real = (required && !satisfied(*on)) || (ordered && on_its_way(*on));
    expect(real, unit, "waits for what is not in its way");
    expect(waiting.stuck == !on_its_way(*on), unit, "does not know whether it is stuck");
}

void EngineWatch::check_stop_order(const Unit& unit) {
    const auto* stopping = std::get_if<Stopping>(&unit.state());
    if (stopping == nullptr || !asked_to_stop(unit) || past(unit.id()).was_asked_to_stop) return;
    if (!stopping->deadline || !told_to_stop_.contains(stopping->run)) return;
    for (const ServiceId id : unit.stops_after) {
        const Unit* other = engine_.units().find(id);
        expect(other == nullptr || !other->halting, unit, "stopped before one that was after it");
    }
    for (const Edge edge : {Edge::RequiredBy, Edge::WantedBy, Edge::Before}) {
        for (const std::uint32_t place : engine_.units().neighbours(unit, edge)) {
            const Unit& other = engine_.units().at_place(place);
            expect(!other.alive() || !other.halting, unit, "stopped before one that is after it");
        }
    }
}

void EngineWatch::check_restarts(const Unit& unit, Past& before) {
    const RestartHistory& history = unit.history;
    if (history.restarts < before.restarts)
        before = {before.announced, before.run, 0, 0, {}, false};
    const bool restarted = history.restarts > before.restarts;
    if (restarted) {
        expect(history.restarts == before.restarts + 1, unit, "restarted twice at once");
        const auto* backoff = std::get_if<Backoff>(&unit.state());
        const Time at = backoff != nullptr ? backoff->until : now_;
        if (const auto& limit = unit.policy().restart_limit) {
            std::erase_if(before.restart_times, [&](Time t) { return now_ - t >= limit->within; });
            expect(before.restart_times.size() < static_cast<std::size_t>(limit->count), unit,
                   "restarted beyond its limit");
            before.restart_times.push_back(at);
        } else {
            before.restart_times.clear();
        }
        if (backoff != nullptr) {
            const config::Backoff& policy = unit.policy().backoff;
            const double wanted = std::min(static_cast<double>(policy.initial.count()) *
                                               std::pow(policy.factor, history.quick_exits - 1),
                                           static_cast<double>(policy.max.count()));
            const auto delay = static_cast<double>((backoff->until - now_).count());
            expect(history.quick_exits == before.quick_exits + 1, unit, "quick exits miscounted");
            expect(delay >= wanted * (1 - policy.jitter) - 1 &&
                       delay <= wanted * (1 + policy.jitter) + 1,
                   unit, "its backoff is out of bounds");
        }
    }
    before.restarts = history.restarts;
    before.quick_exits = history.quick_exits;
}

}  // namespace reeve::test
