#include "supervisor/core/engine.h"

namespace reeve::core {

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
        return change(unit, again, unit.cause());
    }
    const config::Reload& reload = *unit.policy().reload;
    Reloading reloading{.run = std::get<Running>(unit.state()).run,
                        .deadline = now_ + reload.timeout};
    if (reload.check.empty()) {
        change(unit, reloading, "reload asked for");
        return check_passed(unit);
    }
    reloading.checking = true;
    reloading.command = units_.new_task(unit);
    change(unit, reloading, "checking before the reload");
    out_.push_back(
        RunCommand{reloading.command, reloading.run, reload.check, unit.id(), unit.run_definition});
}

void Engine::check_passed(Unit& unit) {
    Reloading reloading = std::get<Reloading>(unit.state());
    // The definition may have lost its `reload` meanwhile.
    if (!unit.policy().reload) return end_reload(unit, false, "no longer reloadable");
    const config::Reload& reload = *unit.policy().reload;
    reloading.checking = false;
    if (reload.command.empty()) {
        out_.push_back(Signal{reloading.run, reload.signal, config::StopScope::Main});
        return end_reload(unit, true, "reloaded by " + signal_name(reload.signal));
    }
    reloading.command = units_.new_task(unit);
    change(unit, reloading, "reload command running");
    out_.push_back(RunCommand{reloading.command, reloading.run, reload.command, unit.id(),
                              unit.run_definition});
}

void Engine::reload_command_ended(Unit& unit, const CommandEnded& event) {
    const bool checking = std::get<Reloading>(unit.state()).checking;
    if (checking && event.succeeded) return check_passed(unit);
    if (checking) return end_reload(unit, false, "reload refused by its check: " + event.what);
    if (!event.succeeded) return end_reload(unit, false, "reload command failed: " + event.what);
    end_reload(unit, true, "reloaded by its command");
}

void Engine::end_reload(Unit& unit, bool succeeded, const std::string& what) {
    const Reloading reloading = std::get<Reloading>(unit.state());
    change(unit, Running{reloading.run}, what);
    if (reloading.again) return begin_reload(unit);
    requests_.settle_all(unit, Verb::Reload,
                         outcome_of(unit, succeeded ? Outcome::Kind::Done : Outcome::Kind::Failed));
}

}  // namespace reeve::core
