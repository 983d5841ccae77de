#include "supervisor/core/engine.h"

/// A running service re-reads its own configuration: by a signal or a command, after a check; and
/// says itself when it is through, if it speaks sd_notify(3).
namespace reeve::core {

namespace {

/// For so long one that may tell of its reloads is given the time to say that it has begun.
constexpr Duration begin_patience = 1s;

}  // namespace

void Engine::begin_reload(Unit& unit) {
    const auto refuse = [&](Outcome::Kind kind, std::string why) {
        Outcome outcome = outcome_of(unit, kind);
        outcome.cause = std::move(why);
        requests_.settle_all(unit, Verb::Reload, outcome);
    };
    const bool up = is_satisfied(unit) && run_of(unit.state());
    if (!up) {
        return refuse(Outcome::Kind::NotRunning,
                      "not running: " + std::string(name_of(unit.state())));
    }
    if (!unit.policy().reload) {
        return refuse(Outcome::Kind::Failed, "not reloadable: its definition has no `reload`");
    }
    if (const auto* reloading = std::get_if<Reloading>(&unit.state())) {
        Reloading again = *reloading;
        again.again = true;
        return change(unit, again);
    }
    const config::Reload& reload = *unit.policy().reload;
    const auto& running = std::get<Running>(unit.state());
    Reloading reloading{
        .run = running.run, .deadline = now_ + reload.timeout, .watch = running.watch};
    if (reload.check.empty()) {
        change(unit, reloading, "reload asked for");
        return check_passed(unit);
    }
    run_reload_command(unit, reloading, ReloadStep::Check, reload.check,
                       "checking before the reload");
}

void Engine::run_reload_command(Unit& unit, Reloading reloading, ReloadStep step,
                                const config::Argv& command, std::string cause) {
    reloading.step = step;
    reloading.command = units_.new_task(unit);
    change(unit, reloading, std::move(cause));
    out_.push_back(RunCommand{.task = reloading.command,
                              .run = reloading.run,
                              .command = command,
                              .service = unit.id(),
                              .definition = unit.run_definition});
}

void Engine::check_passed(Unit& unit) {
    Reloading reloading = std::get<Reloading>(unit.state());
    // The definition may have lost its `reload` meanwhile.
    if (!unit.policy().reload) return end_reload(unit, false, "no longer reloadable");
    const config::Reload& reload = *unit.policy().reload;
    reloading.asked = now_;
    reloading.announced = reloading.answered = false;
    if (!reload.command.empty()) {
        return run_reload_command(unit, reloading, ReloadStep::Command, reload.command,
                                  "reload command running");
    }
    out_.push_back(Signal{reloading.run, reload.signal, config::StopScope::Main});
    reloading.step = ReloadStep::AwaitBegin;
    change(unit, reloading);
    await_reload(unit, "reloaded by " + signal_name(reload.signal));
}

void Engine::reload_command_ended(Unit& unit, const CommandEnded& event) {
    Reloading reloading = std::get<Reloading>(unit.state());
    const bool checking = reloading.step == ReloadStep::Check;
    reloading.command = {};
    reloading.step = ReloadStep::AwaitBegin;
    change(unit, reloading);
    if (checking && event.succeeded) return check_passed(unit);
    if (checking) return end_reload(unit, false, "reload refused by its check: " + event.what);
    if (!event.succeeded) return end_reload(unit, false, "reload command failed: " + event.what);
    await_reload(unit, "reloaded by its command");
}

/// It has been told. One that speaks sd_notify(3) may say RELOADING=1, and then READY=1.
void Engine::await_reload(Unit& unit, std::string done) {
    Reloading reloading = std::get<Reloading>(unit.state());
    const auto& ready = unit.policy().ready;
    const bool by_notify = ready && std::holds_alternative<config::NotifyCheck>(ready->check);
    const bool speaks = by_notify || unit.watchdog || unit.tells_of_reloads == true;
    if (reloading.answered || !speaks || unit.tells_of_reloads == false) {
        return end_reload(unit, true, done);
    }
    if (reloading.announced) reloading.step = ReloadStep::AwaitReady;
    if (!reloading.announced && !unit.tells_of_reloads) {
        reloading.deadline = std::min(reloading.deadline, now_ + begin_patience);
    }
    change(unit, reloading, std::move(done));
}

void Engine::reload_deadline_passed(Unit& unit) {
    const auto& reloading = std::get<Reloading>(unit.state());
    switch (reloading.step) {
        case ReloadStep::Check:
            return end_reload(unit, false, "reload refused: its check did not end in time");
        case ReloadStep::Command:
            return end_reload(unit, false, "reload command did not end in time");
        case ReloadStep::AwaitReady:
            return end_reload(unit, false, "its reload has not ended: no READY=1 in time");
        case ReloadStep::AwaitBegin:
            break;
    }
    if (unit.tells_of_reloads == true) {
        return end_reload(unit, false, "its reload has not begun: no RELOADING=1 in time");
    }
    // It will not be waited for again, unless it turns out to tell of its reloads after all.
    unit.tells_of_reloads = false;
    end_reload(unit, true, unit.cause());
}

void Engine::end_reload(Unit& unit, bool succeeded, const std::string& what) {
    const Reloading reloading = std::get<Reloading>(unit.state());
    cancel_task(reloading.command);
    change(unit, Running{reloading.run, reloading.watch}, what);
    if (reloading.again) return begin_reload(unit);
    requests_.settle_all(unit, Verb::Reload,
                         outcome_of(unit, succeeded ? Outcome::Kind::Done : Outcome::Kind::Failed));
}

}  // namespace reeve::core
