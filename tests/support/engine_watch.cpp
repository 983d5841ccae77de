#include "tests/support/engine_watch.h"

#include <algorithm>
#include <limits>

#include "base/overloaded.h"

namespace reeve::test {

using namespace core;
using Edge = Units::Edge;

namespace {

bool busy(const Unit& unit) {
    if (const auto* waiting = std::get_if<Waiting>(&unit.state())) return !waiting->stuck;
    if (const auto* running = std::get_if<Running>(&unit.state())) return bool{running->run};
    return unit.alive() || std::holds_alternative<Backoff>(unit.state());
}

/// Of outcomes: how many services a plan changes is the engine's business.
constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

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
                       if (!std::holds_alternative<Stopping>(unit->state()))
                           found->second.main_gone = false;
                   },
                   [&](const ProbeAnswered& e) { tasks_.erase(e.task); },
                   [&](const CommandEnded& e) { tasks_.erase(e.task); },
               },
               event);
}

void EngineWatch::take_in_end(RunId run, bool unseen) {
    const auto found = runs_.find(run);
    if (found == runs_.end() || std::exchange(found->second.main_gone, true)) return;
    // One that a successor did not find has ended unseen, whatever is told of it later.
    if (found->second.launched) found->second.unseen = unseen;
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
    if (std::holds_alternative<Stopping>(unit->state())) told_to_stop_.insert(action.run);
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
