#include "base/signal_name.h"
#include "supervisor/core/engine.h"

/// The commands that are run at the turns of a service's life, one after the other.
namespace reeve::core {

namespace {

using Variables = std::vector<std::pair<std::string, std::string>>;

std::string in_words(const config::Argv& command) {
    std::string text;
    for (const std::string& word : command) {
        if (!text.empty()) text += ' ';
        text += word;
    }
    // Whatever a shell is given may be a whole program.
    constexpr std::size_t most = 60;
    if (text.size() > most) text = text.substr(0, most) + "...";
    return text;
}

/// What systemd.exec(5) calls the result of a run.
std::string result_of(const Unit& unit, const Stopping& stopping) {
    const RunResult& last = unit.last_run;
    if (last.out_of_memory == true) return "oom-kill";
    if (!unit.result.empty()) return unit.result;
    if (unit.stop_timed_out) return "timeout";
    if (stopping.reason == StopReason::Asked) return "success";
    if (!last.executed) return "resources";
    if (last.status.signal && !unit.policy().success_exit.contains(last.status)) {
        return last.status.core ? "core-dump" : "signal";
    }
    if (unit.start_failed) return "protocol";
    return unit.policy().success_exit.contains(last.status) ? "success" : "exit-code";
}

Variables variables_of(const Unit& unit) {
    const auto* stopping = std::get_if<Stopping>(&unit.state());
    if (stopping == nullptr) return {};
    Variables variables{{"SERVICE_RESULT", result_of(unit, *stopping)}};
    const ExitStatus& status = unit.last_run.status;
    if (!stopping->main_gone || !unit.last_run.executed) return variables;
    if (status.code) {
        variables.emplace_back("EXIT_CODE", "exited");
        variables.emplace_back("EXIT_STATUS", std::to_string(*status.code));
    } else if (status.signal) {
        variables.emplace_back("EXIT_CODE", status.core ? "dumped" : "killed");
        variables.emplace_back("EXIT_STATUS", signal_name(*status.signal).substr(3));
    }
    return variables;
}

const std::vector<config::Hook>& hooks_of(const Unit& unit, StartStep step) {
    const config::Hooks& hooks = unit.run_definition->policy.hooks;
    return step == StartStep::PreStart ? hooks.pre_start : hooks.post_start;
}

const std::vector<config::Hook>& hooks_of(const Unit& unit, StopStep step) {
    const config::Hooks& hooks = unit.run_definition->policy.hooks;
    return step == StopStep::PreStop ? hooks.pre_stop : hooks.post_stop;
}

/// The command of a hook, for people. A live change may have taken away what is running.
std::string name_of(const std::vector<config::Hook>& hooks, std::size_t at) {
    return at < hooks.size() ? in_words(hooks[at].command) : "a command no longer configured";
}

void note_hook_trouble(Unit& unit, const std::string& what) {
    const auto& stopping = std::get<Stopping>(unit.state());
    std::string note = stopping.step == StopStep::PreStop ? "pre_stop " : "post_stop ";
    note += what;
    unit.trouble = unit.trouble.empty() ? note : unit.trouble + "; " + note;
}

}  // namespace

/// How long a hook of a stop may take. Where a service is to be killed at once, its hooks are not.
Duration Engine::term_of(const config::Hook& hook, const config::Stop& stop) {
    if (hook.timeout) return *hook.timeout;
    return stop.timeout > Duration::zero() ? stop.timeout : config::Stop{}.timeout;
}

TaskId Engine::run_hook(Unit& unit, const config::Hook& hook) {
    const TaskId task = units_.new_task(unit);
    out_.push_back(RunCommand{.task = task,
                              .run = run_of(unit.state()),
                              .command = hook.command,
                              .service = unit.id(),
                              .definition = unit.run_definition,
                              .as_root = hook.as_root,
                              .to_log = true,
                              .environment = variables_of(unit)});
    return task;
}

void Engine::begin_hooks(Unit& unit, StartStep step) {
    Starting starting = std::get<Starting>(unit.state());
    starting.step = step;
    starting.hook = {};
    change(unit, starting);
    next_start_hook(unit);
}

void Engine::next_start_hook(Unit& unit) {
    Starting starting = std::get<Starting>(unit.state());
    const bool before = starting.step == StartStep::PreStart;
    // One that must stop and has no process yet need not wait for its turn.
    if (before && unit.halting) return begin_stop(unit, StopReason::Asked);
    const auto& hooks = hooks_of(unit, starting.step);
    if (starting.hook.at >= hooks.size()) return before ? launch(unit) : enter_running(unit);
    const config::Hook& hook = hooks[starting.hook.at];
    starting.hook.task = run_hook(unit, hook);
    starting.hook.deadline.reset();
    if (hook.timeout) starting.hook.deadline = now_ + *hook.timeout;
    change(unit, starting);
    not_ready_yet(unit, std::string(before ? "pre_start" : "post_start") +
                            " runs: " + in_words(hook.command));
}

void Engine::start_hook_ended(Unit& unit, const CommandEnded& event) {
    Starting starting = std::get<Starting>(unit.state());
    const bool before = starting.step == StartStep::PreStart;
    starting.hook.task = {};
    starting.hook.deadline.reset();
    if (event.succeeded) {
        ++starting.hook.at;
        change(unit, starting);
        return next_start_hook(unit);
    }
    change(unit, starting);
    unit.trouble = before ? "pre_start failed: " : "post_start failed: ";
    unit.trouble += name_of(hooks_of(unit, starting.step), starting.hook.at);
    unit.trouble += ": " + event.what;
    unit.result = "exit-code";
    if (before) unit.last_run = {ExitStatus::unknown(), now_, false, {}, {}};
    begin_stop(unit, StopReason::StartFailed);
}

void Engine::start_hook_timed_out(Unit& unit) {
    const auto& starting = std::get<Starting>(unit.state());
    const bool before = starting.step == StartStep::PreStart;
    unit.trouble = before ? "pre_start" : "post_start";
    unit.result = "timeout";
    unit.trouble += " did not end in time: ";
    unit.trouble += name_of(hooks_of(unit, starting.step), starting.hook.at);
    if (before) unit.last_run = {ExitStatus::unknown(), now_, false, {}, {}};
    begin_stop(unit, StopReason::StartFailed);
}

void Engine::begin_stop_hooks(Unit& unit, StopStep step) {
    Stopping stopping = std::get<Stopping>(unit.state());
    stopping.step = step;
    stopping.hook = 0;
    change(unit, stopping);
    next_stop_hook(unit);
}

void Engine::next_stop_hook(Unit& unit) {
    Stopping stopping = std::get<Stopping>(unit.state());
    stopping.command = {};
    stopping.deadline.reset();
    const auto& hooks = hooks_of(unit, stopping.step);
    if (stopping.hook >= hooks.size() || forced()) {
        change(unit, stopping);
        return stopping.step == StopStep::PostStop ? conclude(unit) : continue_stop(unit);
    }
    const config::Hook& hook = hooks[stopping.hook];
    stopping.command = run_hook(unit, hook);
    begin_term(stopping, term_of(hook, unit.stop()));
    std::string cause = ending_words(unit, stopping.reason);
    cause += stopping.step == StopStep::PreStop ? "; pre_stop runs: " : "; post_stop runs: ";
    change(unit, stopping, cause + in_words(hook.command));
}

void Engine::stop_hook_ended(Unit& unit, const CommandEnded& event) {
    Stopping stopping = std::get<Stopping>(unit.state());
    stopping.command = {};
    if (stopping.step == StopStep::AwaitHook) {
        change(unit, stopping);
        return begin_ending(unit);
    }
    // One without a deadline was killed, which has been noted.
    if (!event.succeeded && stopping.deadline) note_hook_trouble(unit, "failed: " + event.what);
    ++stopping.hook;
    change(unit, stopping);
    next_stop_hook(unit);
}

void Engine::stop_hook_timed_out(Unit& unit) {
    Stopping stopping = std::get<Stopping>(unit.state());
    note_hook_trouble(unit, "did not end in time");
    stopping.begun = now_;
    stopping.deadline.reset();
    change(unit, stopping);
    out_.push_back(EndTask{stopping.command, unit.stop().timeout});
}

}  // namespace reeve::core
