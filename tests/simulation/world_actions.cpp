// What the engine wants done, and what unruly processes, probes and commands make of it.
#include <algorithm>

#include "base/overloaded.h"
#include "tests/simulation/world.h"

namespace reeve::simulation {

using namespace core;

void World::carry_out(const Action& action) {
    std::visit(Overloaded{
                   [&](const Spawn& a) { spawn(a); },
                   [&](const Signal& a) { signal(a); },
                   [&](const KillTree& a) {
                       ++tally_.kills;
                       kill(a.run);
                   },
                   [&](const Reap& a) { processes_.erase(a.run); },
                   [&](const StartProbe& a) { start_task(a.task, a.run, true); },
                   [&](const FindMain& a) { find_main(a.run); },
                   [&](const RunCommand& a) { start_task(a.task, a.run, false); },
                   // The answer may be on its way already and comes late.
                   [](const CancelTask&) {},
                   [&](const EndTask& a) {
                       after(dice_.between(0s, 2ms), Event(CommandEnded{a.task, false, "killed"}));
                   },
                   [](const Touches&) {},
                   [&](const Reply&) { ++tally_.replies; },
                   [](const Announce&) {},
                   [](const AnnounceShutdown&) {},
                   [](const Forget&) {},
                   [&](const Finish&) { over_ = finished_ = true; },
               },
               action);
}

void World::spawn(const Spawn& action) {
    ++tally_.spawns;
    last_run_ = std::max(last_run_, action.run.value);
    if (!calm_ && dice_.chance(0.04)) {
        return after(0s, Event(SpawnFailed{action.run, "exec: no such file", dice_.chance(0.5)}));
    }
    Process process{.service = action.service, .definition = action.definition};
    process.main_alive = true;
    process.parent = action.definition->execution.type == config::ServiceType::Forking;
    if (!calm_) {
        if (dice_.chance(0.15)) process.leftovers = 1;
        process.deaf_main = dice_.chance(0.1);
        process.deaf_leftovers = dice_.chance(0.2);
        process.immortal = dice_.chance(0.002);
    }
    after(0s, Event(Spawned{action.run, static_cast<int>(action.run.value) + 1}));
    Process& placed = processes_.emplace(action.run, std::move(process)).first->second;
    if (!placed.parent) return live_on(action.run, placed);
    if (!calm_ && dice_.chance(0.05)) return;  // does not detach
    const int code = calm_ || dice_.chance(0.9) ? 0 : 1;
    after(dice_.between(0s, calm_ ? 5ms : 1s), MainEnds{action.run, ExitStatus::exited(code)});
}

void World::find_main(RunId run) {
    if (!calm_ && dice_.chance(0.1)) {
        after(dice_.between(0s, 1s), Event(MainAwaited{run, "its PID file is empty"}));
        if (dice_.chance(0.5)) return after(dice_.between(0s, 2s), LeftoversEnd{run});
    }
    after(dice_.between(0s, calm_ ? 5ms : 500ms), MainIsFound{run});
}

void World::live_on(RunId run, Process& process) {
    const config::Service& service = *process.definition;
    const auto& ready = service.policy.ready;
    if (ready && ready->is_awaited() && (calm_ || dice_.chance(0.9))) {
        const bool notifies = std::holds_alternative<config::NotifyCheck>(ready->check);
        after(dice_.between(0s, calm_ ? service.policy.start_timeout / 3 : 3s),
              notifies ? Event(Notified{.run = run, .ready = true}) : Event(ReadyReported{run}));
    }
    if (service.policy.watchdog || dice_.chance(0.1)) after(0s, Speaks{run});
    if (service.execution.type == config::ServiceType::Oneshot) {
        if (!calm_ && dice_.chance(0.05)) return;  // hangs
        const int code = calm_ || dice_.chance(0.8) ? 0 : static_cast<int>(dice_.below(4));
        const Duration most = calm_ ? service.policy.start_timeout / 2 : 3s;
        return after(dice_.between(0s, most), MainEnds{run, ExitStatus::exited(code)});
    }
    if (calm_ || dice_.chance(0.3)) return;  // runs on
    const Duration life = dice_.chance(0.5) ? dice_.between(0s, 200ms) : dice_.between(0s, 60s);
    const ExitStatus status = dice_.chance(0.2)
                                  ? ExitStatus::killed(SIGSEGV, true)
                                  : ExitStatus::exited(static_cast<int>(dice_.below(4)));
    after(life, MainEnds{run, status});
}

void World::signal(const Signal& action) {
    const auto found = processes_.find(action.run);
    if (found == processes_.end() || action.signal == SIGCONT) return;
    Process& process = found->second;
    if (action.signal == SIGHUP) return;
    const bool deadly = action.signal == SIGKILL;
    const Duration most = dice_.chance(0.7) ? 5ms : 4s;
    if (process.main_alive && (deadly || !process.deaf_main)) {
        const ExitStatus status =
            dice_.chance(0.5) ? ExitStatus::killed(action.signal) : ExitStatus::exited(0);
        after(dice_.between(0s, most), MainEnds{action.run, status});
    }
    const bool tree = action.scope == config::StopScope::Tree;
    if (tree && process.leftovers > 0 && (deadly || !process.deaf_leftovers)) {
        after(dice_.between(0s, most), LeftoversEnd{action.run});
    }
}

void World::kill(RunId run) {
    const auto found = processes_.find(run);
    if (found == processes_.end()) return;
    found->second.killed = true;
    const Duration wait = found->second.immortal ? Duration(1h) : dice_.between(0s, 2ms);
    after(wait, MainEnds{run, ExitStatus::killed(SIGKILL)});
    after(wait + dice_.between(0s, 2ms), LeftoversEnd{run});
}

ProbeAnswered::Answer World::random_answer(double good) {
    using Answer = ProbeAnswered::Answer;
    if (dice_.chance(good)) return Answer::Yes;
    return dice_.chance(0.3) ? Answer::Unasked : Answer::No;
}

void World::start_task(TaskId task, RunId run, bool is_probe) {
    if (is_probe_.size() < task.value) is_probe_.resize(task.value);
    is_probe_[task.value - 1] = is_probe;
    if (!is_probe) commands_.insert(task);
    const double hang = is_probe ? 0.2 : 0.15;
    if (!calm_ && dice_.chance(hang)) return;
    const bool yes = calm_ || dice_.chance(0.7);
    const Duration wait = dice_.between(0s, calm_ ? 5ms : 1s);
    const std::string what = yes ? "" : "no";
    // A command may end the process that it is about.
    if (!is_probe && dice_.chance(0.2)) after(wait, MainEnds{run, ExitStatus::exited(0)});
    if (is_probe) {
        const auto answer = calm_ ? ProbeAnswered::Answer::Yes : random_answer(0.4);
        return after(wait, Event(ProbeAnswered{task, answer, "no"}));
    }
    after(wait, Event(CommandEnded{task, yes, what}));
}

}  // namespace reeve::simulation
