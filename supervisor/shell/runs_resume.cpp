// What a run leaves to a successor of this process, and how it is taken over from a predecessor.
#include <csignal>

#include "supervisor/shell/runs.h"

namespace reeve::shell {

namespace {

const core::Starting* starting_of(const core::Unit& unit) {
    return std::get_if<core::Starting>(&unit.state());
}

/// Whether the engine has heard of the end of what was the main process.
bool has_heard_of_end(const core::Unit& unit) {
    const auto* starting = starting_of(unit);
    const auto* stopping = std::get_if<core::Stopping>(&unit.state());
    return (starting != nullptr && starting->step == core::StartStep::FindMain) ||
           (stopping != nullptr && stopping->main_gone);
}

bool is_to_say_that_it_is_ready(const core::Unit& unit) {
    const auto* starting = starting_of(unit);
    return starting != nullptr && starting->step != core::StartStep::PostStart && !unit.said_ready;
}

bool is_alive(const state::Process& process) {
    const auto found = os::read_process(process.pid);
    return found && found->live() && found->start_time == process.start_time;
}

/// Whether it has heard that everything else is gone, too.
bool has_heard_of_all(const core::Unit& unit) {
    const auto* stopping = std::get_if<core::Stopping>(&unit.state());
    return stopping != nullptr && stopping->tree_gone;
}

}  // namespace

void Runs::note(const Run& run) {
    state::Run record;
    record.id = run.id;
    record.definition = run.definition;
    record.invocation_id = run.invocation_id;
    record.directories = run.directories;
    record.started_wall = run.start.wall();
    record.started = run.start.monotonic();
    if (run.notify) record.notify_socket = run.notify->name();
    if (run.ready_pipe) record.ready_fifo = run.ready_pipe->path();
    if (run.tree) record.tree = run.tree->record();
    record.adopted = run.adopted;
    record.end = run.noted_end;
    recorder_.write(record);
}

bool Runs::resume(const state::Run& record, const core::Unit& unit, bool after_a_gap) {
    Run& run = runs_[record.id];
    run.id = record.id;
    run.definition = record.definition;
    run.invocation_id = record.invocation_id;
    run.directories = record.directories;
    run.start = os::StartMark(record.started_wall, record.started);
    run.adopted = record.adopted;
    if (!record.notify_socket.empty()) {
        const std::string& name = record.notify_socket;
        Fd held = holding_.take(Holding::Kind::Notify, record.id.value);
        auto opened = open_notify(
            run, held ? os::NotifySocket(std::move(held), name) : os::NotifySocket::open(name));
        if (!opened) {
            log_.warning(run.definition->name + ": " + opened.error().text() +
                         "; what it says of itself is not heard any more");
        }
    }
    if (!record.tree) return false;
    run.noted_end = record.end;
    state::Tree tree = *record.tree;
    // Its end is told by us, if it has not been.
    if (record.end && record.end->pid == tree.main.pid) tree.main = {};
    run.tree = containments_.reopen(run.definition->name, run.invocation_id, tree);
    if (!run.tree->resume(tree, on_end(run.id))) {
        run.tree.reset();
        note(run);
        return false;
    }
    const state::Tree found = run.tree->record();
    run.pid = found.main.pid != 0 ? found.main.pid : found.first.pid;
    if (record.end) run.pid = record.end->pid;
    run.unseen = after_a_gap && (record.end || !is_alive(found.main));
    if (found.main.pid != 0) {
        mains_.emplace(found.main.pid, run.id);
        if (run.tree->tracking().by == Tracking::By::Cgroup) {
            if (const auto pidfd = os::open_pidfd(found.main.pid)) {
                run.cgroup = os::cgroup_of(pidfd->get());
            }
        }
    }
    if (is_to_say_that_it_is_ready(unit)) await_readiness(run, record.ready_fifo);
    note(run);
    tell_what_was_not_heard(run, unit);
    return true;
}

void Runs::await_readiness(Run& run, const std::string& pipe) {
    auto watched = watch_log(run, {});
    if (watched && !pipe.empty()) {
        run.ready_pipe = make_ready_pipe(run.id, pipe);
        watched = run.ready_pipe->reopen(holding_.take(Holding::Kind::ReadyPipe, run.id.value));
        if (watched && run.ready_pipe->descriptor() >= 0) {
            holding_.keep(Holding::Kind::ReadyPipe, run.id.value, run.ready_pipe->descriptor());
        }
    }
    if (watched) return;
    log_.warning(run.definition->name + ": " + watched.error().text() +
                 "; what it says of its readiness is not heard");
}

/// Ends are told from the loop, after all that comes before them.
void Runs::tell_what_was_not_heard(const Run& run, const core::Unit& unit) {
    const auto* starting = starting_of(unit);
    const bool launching = starting != nullptr && starting->step == core::StartStep::Launch;
    const bool finding = starting != nullptr && starting->step == core::StartStep::FindMain;
    const core::RunId id = run.id;
    if (launching && !unit.pid) {
        unheard_.push_back(core::Spawned{id, static_cast<int>(run.tree->record().first.pid)});
    }
    if (run.adopted && !finding && !run.noted_end && unit.pid != run.pid) {
        unheard_.push_back(core::MainFound{id, static_cast<int>(run.pid)});
    }
    if (has_heard_of_end(unit)) {
        runs_.at(id).told = !finding;
        if (has_heard_of_all(unit)) return;
        return asio::post(io_, [this, id] {
            const auto found = runs_.find(id);
            if (found != runs_.end()) await_empty(found->second);
        });
    }
    if (!run.noted_end) return;
    asio::post(io_, [this, id] {
        const auto found = runs_.find(id);
        if (found == runs_.end() || !found->second.noted_end || found->second.told) return;
        Run& ended = found->second;
        ended.end =
            os::Ended{ended.noted_end->pid, ended.noted_end->status, ended.noted_end->usage};
        ended.out_of_memory = ended.noted_end->out_of_memory;
        drain(*ended.definition, [this, id] { drained(id); });
    });
}

std::unique_ptr<Containment> Runs::reopen(core::RunId run, const state::Tree& tree) {
    const auto found = runs_.find(run);
    const std::string name = found == runs_.end() ? "a service" : found->second.definition->name;
    return containments_.reopen(name + ".command", {}, tree);
}

}  // namespace reeve::shell
