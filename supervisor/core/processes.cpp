#include "base/result.h"
#include "supervisor/core/engine.h"

/// What becomes of a run's processes: the first one, the main one, and all the others.
namespace reeve::core {

namespace {

/// How long after its main process a forking service may have another one.
constexpr Duration successor_patience = 2s;

/// When it ended, to follow how it did.
std::string after_what(const Unit& unit, const Exited& event, Time now) {
    if (event.unseen) return ", while no supervisor was there";
    return " after " + in_words(now - unit.started);
}

}  // namespace

void Engine::on(const Spawned& event) {
    Unit* unit = units_.by_run(event.run);
    if (unit == nullptr || unit->pid) return;
    unit->pid = unit->run_pid = event.pid;
    // The first process of a forking service is not the main one.
    const bool forks = unit->run_definition->execution.type == config::ServiceType::Forking;
    if (std::holds_alternative<Starting>(unit->state()) && !forks) await_readiness(*unit);
}

void Engine::on(const SpawnFailed& event) {
    Unit* unit = units_.by_run(event.run);
    if (unit == nullptr) return;
    unit->start_failed = true;
    unit->last_run = {ExitStatus::exited(event.not_found ? 127 : 126), now_, false, {}, {}};
    unit->trouble = "cannot start: " + event.what;
    main_gone(*unit, false);
}

void Engine::on(const ParentExited& event) {
    Unit* unit = units_.by_run(event.run);
    if (unit == nullptr) return;
    const auto* starting = std::get_if<Starting>(&unit->state());
    const bool well = unit->policy().success_exit.contains(event.status);
    if (starting == nullptr || starting->step != StartStep::Launch || !well || !event.leftovers) {
        on(Exited{event.run, event.status, event.leftovers, event.usage, {}, event.unseen});
        return;
    }
    unit->pid.reset();
    unit->last_run = {event.status, now_, true, event.usage, {}, event.unseen};
    find_main(*unit);
}

void Engine::on(const MainFound& event) {
    Unit* unit = units_.by_run(event.run);
    if (unit == nullptr) return;
    unit->pid = event.pid;
    const auto* starting = std::get_if<Starting>(&unit->state());
    // By MAINPID= it may be known while the first process is still there.
    const bool unknown = starting != nullptr && (starting->step == StartStep::FindMain ||
                                                 starting->step == StartStep::Launch);
    if (unknown) await_readiness(*unit);
    auto* state = std::get_if<Stopping>(&unit->state());
    if (state == nullptr || !state->main_gone) {
        unit->run_pid = event.pid;
        return;
    }
    // It was found too late to count: it is one of those that are being ended.
    unit->pid.reset();
}

void Engine::on(const MainAwaited& event) {
    Unit* unit = units_.by_run(event.run);
    if (unit == nullptr) return;
    const auto* starting = std::get_if<Starting>(&unit->state());
    if (starting != nullptr && starting->step == StartStep::FindMain) {
        not_ready_yet(*unit, event.what);
    }
}

void Engine::on(const Exited& event) {
    Unit* unit = units_.by_run(event.run);
    if (unit == nullptr) return;
    const config::ServiceType type = unit->run_definition->execution.type;
    const auto* stopping = std::get_if<Stopping>(&unit->state());
    if (stopping != nullptr && stopping->main_gone) {
        // A main process that was found when it was no longer looked for.
        const bool late = type == config::ServiceType::Forking;
        if (late && !event.leftovers) on(TreeEmptied{event.run});
        return;
    }
    if (may_be_followed(*unit, event)) return find_successor(*unit, event);
    const bool before_ready =
        std::holds_alternative<Starting>(unit->state()) && type != config::ServiceType::Oneshot;
    unit->start_failed = unit->start_failed || before_ready;
    unit->last_run = {event.status, now_, true, event.usage, event.out_of_memory, event.unseen};
    unit->last_exit = LastExit{event.status, now_, now_ - unit->started, event.unseen};
    std::string how = event.status.text();
    if (event.out_of_memory == true) how += " for want of memory";
    how += after_what(*unit, event, now_);
    if (unit->reported_errno) how += " (" + Error::strerrordesc(*unit->reported_errno) + ")";
    const bool by_itself = stopping == nullptr || stopping->reason == StopReason::Ended;
    if (by_itself && unit->trouble.empty()) {
        unit->trouble = std::move(how);
        if (before_ready) unit->trouble += event.unseen ? " and before" : ", before";
        if (before_ready) unit->trouble += " it was ready";
        const bool left_nothing = before_ready && type == config::ServiceType::Forking &&
                                  event.status == ExitStatus::exited(0) && !unit->pid;
        if (left_nothing) unit->trouble += "; it left no process behind";
    } else if (unit->trouble.empty() && event.status != ExitStatus::exited(0) &&
               event.status.signal != unit->stop().signal) {
        unit->trouble = event.status.text();
    }
    unit->pid.reset();
    main_gone(*unit, event.leftovers);
}

/// Some daemons daemonize anew to re-read their configuration, or to become another version of
/// themselves: then their PID file names another process soon.
bool Engine::may_be_followed(const Unit& unit, const Exited& event) const {
    const config::Execution& execution = unit.run_definition->execution;
    const bool up = std::holds_alternative<Running>(unit.state()) ||
                    std::holds_alternative<Reloading>(unit.state());
    return up && !unit.halting && event.leftovers && !execution.pid_file.empty() &&
           execution.type == config::ServiceType::Forking &&
           unit.policy().success_exit.contains(event.status);
}

void Engine::find_successor(Unit& unit, const Exited& event) {
    if (const auto* state = std::get_if<Reloading>(&unit.state())) {
        Reloading reloading = *state;
        reloading.again = false;
        change(unit, reloading);
        const bool checking = reloading.step == ReloadStep::Check;
        end_reload(unit, !checking,
                   checking ? "not reloaded: its main process ended during the check"
                            : "reloaded, as its main process is being followed");
    }
    unit.last_run = {event.status, now_, true, event.usage, {}, event.unseen};
    unit.last_exit = LastExit{event.status, now_, now_ - unit.started, event.unseen};
    unit.trouble = event.status.text() + after_what(unit, event, now_);
    unit.pid.reset();
    cancel_tasks(unit);
    change(unit, Starting{.run = run_of(unit.state()), .deadline = now_ + successor_patience});
    find_main(unit);
    not_ready_yet(unit, unit.trouble + "; awaits another process in its PID file");
}

void Engine::on(const TreeEmptied& event) {
    Unit* unit = units_.by_run(event.run);
    if (unit == nullptr) return;
    if (const auto* starting = std::get_if<Starting>(&unit->state())) {
        if (starting->step != StartStep::FindMain) return;
        if (unit->was_ready) return main_gone(*unit, false);
        unit->start_failed = true;
        unit->trouble = "ended before its main process was known";
        if (!unit->unready.empty()) unit->trouble += " (" + unit->unready + ")";
        return main_gone(*unit, false);
    }
    const auto* state = std::get_if<Stopping>(&unit->state());
    if (state == nullptr || !state->main_gone || state->tree_gone) return;
    Stopping stopping = *state;
    stopping.tree_gone = true;
    change(*unit, stopping);
    if (stopping.step == StopStep::Ending) tree_gone(*unit);
}

}  // namespace reeve::core
