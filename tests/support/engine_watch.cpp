#include "tests/support/engine_watch.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/overloaded.h"

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

bool busy(const Unit& unit) {
    if (const auto* waiting = std::get_if<Waiting>(&unit.state())) return !waiting->stuck;
    if (const auto* running = std::get_if<Running>(&unit.state())) return bool{running->run};
    return unit.alive() || is<Backoff>(unit);
}

/// Of outcomes: how many services a plan changes is the engine's business.
constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

bool asked_to_stop(const Unit& unit) {
    const auto* stopping = std::get_if<Stopping>(&unit.state());
    return stopping != nullptr && stopping->reason == StopReason::Asked;
}

}  // namespace

std::vector<std::string> EngineWatch::after(const Event& event, const std::vector<Action>& actions,
                                            Time now) {
    now_ = now;
    told_to_stop_.clear();
    replanned_ = false;
    violations_.clear();
    take_in(event);
    for (const Action& action : actions) {
        std::visit([this](const auto& a) { check(a); }, action);
    }
    engine_.units().for_each([this](const Unit& unit) { check_unit(unit); });
    check_counts();
    check_deadlines(std::holds_alternative<DeadlinePassed>(event));
    return std::move(violations_);
}

void EngineWatch::take_in(const Event& event) {
    std::visit(Overloaded{
                   [](const auto&) {},
                   [&](const Requested& e) {
                       const std::set<ServiceId> distinct(e.services.begin(), e.services.end());
                       expect_reply(e.request, distinct.size());
                   },
                   [&](const SignalAsked& e) { expect_reply(e.request, e.services.size()); },
                   [&](const ResetAsked& e) { expect_reply(e.request, e.services.size()); },
                   [&](const PlanReplaced& e) {
                       replanned_ = true;
                       expect_reply(e.request, any_number);
                   },
                   [&](const Abandoned& e) { requests_.erase(e.request); },
                   [&](const Exited& e) { take_in_end(e.run, e.unseen); },
                   [&](const ParentExited& e) { take_in_end(e.run, e.unseen); },
                   [&](const SpawnFailed& e) {
                       const auto found = runs_.find(e.run);
                       if (found != runs_.end()) found->second.main_gone = true;
                   },
                   [&](const MainFound& e) {
                       const auto found = runs_.find(e.run);
                       const Unit* unit = engine_.units().by_run(e.run);
                       if (found == runs_.end() || unit == nullptr) return;
                       if (!is<Stopping>(*unit)) found->second.main_gone = false;
                   },
                   [&](const ProbeAnswered& e) { tasks_.erase(e.task); },
                   [&](const CommandEnded& e) { tasks_.erase(e.task); },
               },
               event);
}

void EngineWatch::take_in_end(RunId run, bool unseen) {
    const auto found = runs_.find(run);
    if (found == runs_.end() || std::exchange(found->second.main_gone, true)) return;
    found->second.unseen = unseen;
}

void EngineWatch::succeeded(const Resumed& resumed) {
    const auto has = [](const auto& list, auto id) {
        return std::find(list.begin(), list.end(), id) != list.end();
    };
    requests_.clear();
    finished_ = false;
    shutdown_announced_ = engine_.shutting_down();
    std::erase_if(tasks_, [&](const auto& task) { return !has(resumed.commands, task.first); });
    for (auto& [task, of] : tasks_) of.killed = false;
    std::map<ServiceId, Past> pasts;
    std::unordered_map<RunId, Run> runs;
    engine_.units().for_each([&](const Unit& unit) {
        Past& now = pasts[unit.id()] = past(unit.id());
        now.announced = name_of(unit.state());
        now.run = run_of(unit.state());
        if (!now.run) return;
        const auto known = runs_.find(now.run);
        Run run = known == runs_.end() ? Run{unit.id()} : known->second;
        const auto* stopping = std::get_if<Stopping>(&unit.state());
        const bool heard = stopping != nullptr && stopping->main_gone;
        const bool launched = std::exchange(run.launched, has(resumed.runs, now.run));
        if (launched && !run.launched && !heard) run.unseen = true;
        run.killed = false;
        if (!run.launched) run.main_gone = false;
        runs[now.run] = run;
    });
    pasts_ = {pasts.begin(), pasts.end()};
    runs_ = std::move(runs);
}

void EngineWatch::expect_reply(RequestId request, std::size_t outcomes) {
    if (request) requests_[request] = outcomes;
}

EngineWatch::Run* EngineWatch::live(RunId run, const char* what) {
    const auto found = runs_.find(run);
    if (found != runs_.end()) return &found->second;
    violated(std::string(what) + " names run " + std::to_string(run.value) + ", which is over");
    return nullptr;
}

bool EngineWatch::announced_satisfied(const Unit& unit) {
    const std::string_view state = past(unit.id()).announced;
    return state == "running" || state == "reloading" || (state == "done" && is_oneshot(unit));
}

void EngineWatch::check(const Spawn& action) {
    if (finished_ || engine_.shutting_down()) violated("a spawn during a shutdown");
    const Unit* unit = engine_.units().find(action.service);
    if (unit == nullptr) return violated("a spawn for a service that is not there");
    open_run(action.run, action.service);
    if (std::exchange(runs_[action.run].launched, true)) violated("a run is spawned twice");
    runs_[action.run].unseen = false;
}

void EngineWatch::open_run(RunId run, ServiceId service) {
    if (runs_.contains(run)) return;
    if (run.value <= last_run_) violated("a run's number is used again");
    last_run_ = std::max(last_run_, run.value);
    if (past(service).run) violated("a second live run of one service");
    past(service).run = run;
    runs_[run] = Run{service};
    const Unit* unit = engine_.units().find(service);
    if (unit == nullptr) return;
    for (const std::uint32_t place : engine_.units().neighbours(*unit, Edge::Requires)) {
        const Unit& other = engine_.units().at_place(place);
        if (announced_satisfied(other)) continue;
        violated(unit->name() + " is started while " + other.name() + " is not there");
    }
    for (const std::uint32_t place : engine_.units().neighbours(*unit, Edge::Conflicts)) {
        const Unit& other = engine_.units().at_place(place);
        if (!past(other.id()).run) continue;
        violated(unit->name() + " is started beside " + other.name() + ", its rival");
    }
}

void EngineWatch::check(const Signal& action) {
    Run* run = live(action.run, "a signal");
    if (run == nullptr) return;
    if (action.signal == SIGKILL) run->killed = true;
    if (run->main_gone && action.scope == config::StopScope::Main) {
        violated("a signal to a main process that is gone");
    }
    if (action.signal != SIGCONT && !run->main_gone) told_to_stop_.insert(action.run);
}

void EngineWatch::check(const KillTree& action) {
    if (Run* run = live(action.run, "a kill")) run->killed = true;
}

void EngineWatch::check(const Reap& action) {
    const Run* run = live(action.run, "a reap");
    if (run == nullptr) return;
    for (const auto& [task, of] : tasks_) {
        if (of.run == action.run) violated("a task outlives its run");
    }
    past(run->service).run = {};
    past(run->service).unseen = run->unseen;
    runs_.erase(action.run);
}

void EngineWatch::open_task(TaskId task, RunId run, bool is_probe) {
    live(run, "a task");
    if (task.value <= last_task_) violated("a task's number is used again");
    last_task_ = std::max(last_task_, task.value);
    for (const auto& [other, of] : tasks_) {
        if (of.run == run && of.is_probe == is_probe) violated("two tasks at once for one run");
    }
    tasks_[task] = Task{run, is_probe, false};
}

void EngineWatch::check(const StartProbe& action) { open_task(action.task, action.run, true); }

void EngineWatch::check(const FindMain& action) { live(action.run, "find main"); }

void EngineWatch::check(const RunCommand& action) {
    open_run(action.run, action.service);
    open_task(action.task, action.run, false);
    const auto run = runs_.find(action.run);
    const Unit* unit = run == runs_.end() ? nullptr : engine_.units().find(run->second.service);
    if (unit == nullptr || run->second.main_gone || !run->second.launched) return;
    if (is<Stopping>(*unit)) told_to_stop_.insert(action.run);
}

void EngineWatch::check(const CancelTask& action) {
    if (tasks_.erase(action.task) == 0) violated("a task is cancelled that is not under way");
}

void EngineWatch::check(const EndTask& action) {
    const auto found = tasks_.find(action.task);
    if (found == tasks_.end()) return violated("a task is killed that is not under way");
    const bool again = std::exchange(found->second.killed, true);
    if (again && action.patience > Duration::zero() && !replanned_) {
        violated("a task is ended twice");
    }
}

void EngineWatch::check(const Touches& action) {
    for (const auto& touched : action.services) {
        if (engine_.units().find(touched.id) == nullptr) violated("touches an unknown service");
    }
}

void EngineWatch::check(const Reply& action) {
    const auto found = requests_.find(action.request);
    if (found == requests_.end()) return violated("a reply to what is not asked, or not any more");
    const bool complete = found->second == any_number || found->second == action.outcomes.size();
    if (!complete) violated("a reply without all its outcomes");
    requests_.erase(found);
}

void EngineWatch::check(const Announce& action) {
    if (action.from != past(action.service).announced) {
        violated(action.name + " is announced to come from " + std::string(action.from) +
                 " but was " + std::string(past(action.service).announced));
    }
    if (action.cause.empty()) violated(action.name + " changes without a cause");
    past(action.service).announced = action.to;
}

void EngineWatch::check(const AnnounceShutdown& action) {
    if (std::exchange(shutdown_announced_, true)) violated("a second shutdown");
    if (!engine_.shutting_down()) violated("a shutdown is announced that is none");
    if (action.cause.empty()) violated("a shutdown without a cause");
}

void EngineWatch::check(const Forget& action) {
    if (past(action.service).run) violated(action.name + " is forgotten with a live run");
    if (engine_.units().find(action.service) != nullptr) violated("a forgotten service is kept");
    pasts_.erase(action.service);
}

void EngineWatch::check(const Finish& action) {
    if (finished_) violated("a second finish");
    finished_ = true;
    if (engine_.units().alive() != action.survivors.size()) violated("a finish with live services");
    if (!requests_.empty()) violated("a finish with requests unanswered");
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
        before = {before.announced, before.run, 0, 0, {}, false, before.unseen};
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
        const config::Backoff& policy = unit.policy().backoff;
        const bool at_once = backoff == nullptr && unit.goal == Goal::Up;
        expect(!before.unseen || !at_once || policy.initial == Duration::zero(), unit,
               "restarted at once after an end that nobody saw");
        expect(!before.unseen || history.quick_exits == before.quick_exits, unit,
               "an end that nobody saw counts");
        if (backoff != nullptr) {
            const int counted =
                before.unseen ? std::max(history.quick_exits, 1) - 1 : history.quick_exits - 1;
            const double wanted = std::min(
                static_cast<double>(policy.initial.count()) * std::pow(policy.factor, counted),
                static_cast<double>(policy.max.count()));
            const auto delay = static_cast<double>((backoff->until - now_).count());
            expect(before.unseen || history.quick_exits == before.quick_exits + 1, unit,
                   "quick exits miscounted");
            expect(delay >= wanted * (1 - policy.jitter) - 1 &&
                       delay <= wanted * (1 + policy.jitter) + 1,
                   unit, "its backoff is out of bounds");
        }
    }
    before.restarts = history.restarts;
    before.quick_exits = history.quick_exits;
    before.unseen = false;
}

void EngineWatch::check_counts() {
    std::size_t alive = 0, occupied = 0;
    engine_.units().for_each([&](const Unit& unit) {
        alive += unit.alive();
        occupied += busy(unit);
    });
    if (alive != engine_.units().alive()) violated("alive() is miscounted");
    if (occupied != engine_.units().busy()) violated("busy() is miscounted");
}

void EngineWatch::check_deadlines(bool deadline_event) {
    std::optional<Time> earliest;
    engine_.units().for_each([&](const Unit& unit) {
        const auto deadline = deadline_of(unit.state());
        if (deadline && (!earliest || *deadline < *earliest)) earliest = deadline;
    });
    const auto next = engine_.next_deadline();
    if (earliest && (!next || *next > *earliest)) violated("a service's deadline is forgotten");
    // All that was due has been dealt with, a stop's timeout too: what was asked to end is killed.
    if (deadline_event && next && *next < now_) violated("a deadline is left in the past");
}

}  // namespace reeve::test
