#pragma once

#include <concepts>
#include <type_traits>

#include "supervisor/core/engine.h"
#include "supervisor/core/units.h"
#include "supervisor/state/codec.h"
#include "supervisor/state/records.h"

/// What records consist of, for writing and reading alike (archive.h). The names are in files, as
/// are the numbers of enumerators and of a State's alternatives: none may change its meaning, new
/// ones are added at the end. A member may be added where nothing at all means what it was without.
namespace reeve::state {

template <typename T, typename Of>
concept Is = std::same_as<std::remove_const_t<T>, Of>;

// Of processes.

void fields(auto& a, Is<ExitStatus> auto& x) {
    a("code", x.code);
    a("signal", x.signal);
    a("core", x.core);
}

void fields(auto& a, Is<ResourceUsage> auto& x) {
    a("user", x.user);
    a("system", x.system);
    a("max_rss", x.max_rss);
}

void fields(auto& a, Is<Process> auto& x) {
    a("pid", x.pid);
    a("start_time", x.start_time);
}

void fields(auto& a, Is<Tree> auto& x) {
    a.choice("kind", x.kind, Tree::Kind::Marks);
    a("number", x.number);
    a("cgroup", x.cgroup);
    a("keeper", x.keeper);
    a("first", x.first);
    a("main", x.main);
}

void fields(auto& a, Is<End> auto& x) {
    a("pid", x.pid);
    a("status", x.status);
    a("usage", x.usage);
    a("out_of_memory", x.out_of_memory);
}

void fields(auto& a, Is<Run> auto& x) {
    a("id", x.id);
    a("definition", x.definition);
    a("invocation_id", x.invocation_id);
    a("directories", x.directories);
    a("started_wall", x.started_wall);
    a("started", x.started);
    a("notify_socket", x.notify_socket);
    a("ready_fifo", x.ready_fifo);
    a("tree", x.tree);
    a("adopted", x.adopted);
    a("end", x.end);
}

void fields(auto& a, Is<Command::Outcome> auto& x) {
    a("succeeded", x.succeeded);
    a("what", x.what);
}

void fields(auto& a, Is<Command> auto& x) {
    a("id", x.id);
    a("run", x.run);
    a("tree", x.tree);
    a("probe", x.probe);
    a("captured", x.captured);
    a("outcome", x.outcome);
}

// Of a service's state.

void fields(auto& a, Is<core::Asking> auto& x) {
    a("task", x.task);
    a("deadline", x.deadline);
    a("due", x.due);
}

void fields(auto& a, Is<core::HookTurn> auto& x) {
    a("at", x.at);
    a("task", x.task);
    a("deadline", x.deadline);
}

void fields(auto& a, Is<core::Watch> auto& x) {
    a("health", x.health);
    a("failures", x.failures);
    a("watchdog", x.watchdog);
}

void fields(auto&, Is<core::Stopped> auto&) {}

void fields(auto& a, Is<core::Waiting> auto& x) {
    a("on", x.on);
    a("stuck", x.stuck);
}

void fields(auto& a, Is<core::Starting> auto& x) {
    a("run", x.run);
    a.choice("step", x.step, core::StartStep::PostStart);
    a("deadline", x.deadline);
    a("extended", x.extended);
    a("readiness", x.readiness);
    a("hook", x.hook);
}

void fields(auto& a, Is<core::Running> auto& x) {
    a("run", x.run);
    a("watch", x.watch);
}

void fields(auto& a, Is<core::Reloading> auto& x) {
    a("run", x.run);
    a.choice("step", x.step, core::ReloadStep::AwaitReady);
    a("command", x.command);
    a("again", x.again);
    a("announced", x.announced);
    a("answered", x.answered);
    a("asked", x.asked);
    a("deadline", x.deadline);
    a("watch", x.watch);
}

void fields(auto& a, Is<core::Stopping> auto& x) {
    a("run", x.run);
    a.choice("reason", x.reason, core::StopReason::Hung);
    a.choice("step", x.step, core::StopStep::PostStop);
    a("main_gone", x.main_gone);
    a("tree_gone", x.tree_gone);
    a("command", x.command);
    a("hook", x.hook);
    a("begun", x.begun);
    a("deadline", x.deadline);
    a("extended", x.extended);
}

void fields(auto& a, Is<core::Backoff> auto& x) { a("until", x.until); }

void fields(auto&, Is<core::Failed> auto&) {}

void fields(auto&, Is<core::Done> auto&) {}

void fields(auto& a, Is<core::State> auto& x) { a.alternatives(x); }

// Of a service.

void fields(auto& a, Is<core::LastExit> auto& x) {
    a("status", x.status);
    a("at", x.at);
    a("ran", x.ran);
    a("unseen", x.unseen);
}

void fields(auto& a, Is<core::RunResult> auto& x) {
    a("status", x.status);
    a("at", x.at);
    a("executed", x.executed);
    a("usage", x.usage);
    a("out_of_memory", x.out_of_memory);
    a("unseen", x.unseen);
}

void fields(auto& a, Is<core::FailureNote> auto& x) {
    a("cause", x.cause);
    a("started", x.started);
    a("result", x.result);
}

void fields(auto& a, Is<core::EndedRun> auto& x) {
    a("started", x.started);
    a("ended", x.ended);
    a("status", x.status);
    a("pid", x.pid);
}

void fields(auto& a, Is<core::RestartHistory> auto& x) {
    a("restarts", x.restarts);
    a("quick_exits", x.quick_exits);
    a("times", x.times);
}

void fields(auto& a, Is<core::Memory> auto& x) {
    a("run_definition", x.run_definition);
    a.choice("goal", x.goal, core::Goal::Up);
    a("cycle", x.cycle);
    a("halting", x.halting);
    a("removed", x.removed);
    a("origin", x.origin);
    a("trouble", x.trouble);
    a("result", x.result);
    a("unready", x.unready);
    a("unhealthy", x.unhealthy);
    a("unasked", x.unasked);
    a("status_text", x.status_text);
    a("pid", x.pid);
    a("run_pid", x.run_pid);
    a("started", x.started);
    a("ready_since", x.ready_since);
    a("was_ready", x.was_ready);
    a("start_failed", x.start_failed);
    a("unwell", x.unwell);
    a("said_ready", x.said_ready);
    a("stop_timed_out", x.stop_timed_out);
    a("reported_errno", x.reported_errno);
    a("watchdog", x.watchdog);
    a("tells_of_reloads", x.tells_of_reloads);
    a("last_run", x.last_run);
    a("history", x.history);
    a("last_exit", x.last_exit);
    a("failures", x.failures);
    a("ended_runs", x.ended_runs);
    a("stops_after", x.stops_after);
    a("removed_behind", x.removed_behind);
    a("predecessors", x.predecessors);
    a("successors", x.successors);
}

void fields(auto& a, Is<core::UnitSnapshot> auto& x) {
    a("id", x.id);
    a("definition", x.definition);
    a("memory", x.memory);
    a("state", x.state);
    a("cause", x.cause);
    a("since", x.since);
}

// Of the supervisor.

void fields(auto& a, Is<core::Units::Numbers> auto& x) {
    a("service", x.service);
    a("run", x.run);
    a("task", x.task);
}

void fields(auto& a, Is<core::Engine::Shutdown> auto& x) {
    a("status", x.status);
    a("deadline", x.deadline);
    a("asked", x.asked);
    a("forced", x.forced);
    a("given_up", x.given_up);
    a("finished", x.finished);
}

void fields(auto& a, Is<core::Engine::Snapshot> auto& x) {
    a("numbers", x.numbers);
    a("random", x.random);
    a("booted", x.booted);
    a("shutdown", x.shutdown);
}

// Of the configuration.

void fields(auto& a, Is<config::Relations> auto& x) {
    a("requires", x.requires_);
    a("wants", x.wants);
    a("after", x.after);
    a("before", x.before);
    a("binds", x.binds);
    a("conflicts", x.conflicts);
}

void fields(auto& a, Is<Definition> auto& x) {
    a("name", x.name);
    a("text", x.text);
    a("relations", x.relations);
}

void fields(auto& a, Is<PlanRecord> auto& x) {
    a("services", x.services);
    a("settings", x.settings);
    a("files", x.files);
}

}  // namespace reeve::state
