#include "supervisor/shell/tasks.h"

#include <utility>

#include "base/overloaded.h"
#include "supervisor/shell/probes/probes.h"

namespace reeve::shell {

/// What tells how the task ended: but for the first time, and when nobody waits any more, it does
/// nothing.
Tasks::Done Tasks::once(core::TaskId task, Done tell) {
    tasks_[task] = nullptr;
    return [this, task, tell = std::move(tell)](probes::Answer answer) {
        if (tasks_.erase(task) > 0) tell(std::move(answer));
    };
}

void Tasks::started(core::TaskId task, Cancel cancel) {
    if (const auto found = tasks_.find(task); found != tasks_.end()) {
        found->second = std::move(cancel);
    }
}

void Tasks::cancel(core::TaskId task) {
    const auto found = tasks_.find(task);
    if (found == tasks_.end()) return;
    const Cancel cancel = std::move(found->second);
    tasks_.erase(found);
    if (cancel) cancel();
}

/// What a command came to is written down until the engine has taken it in.
Tasks::Done Tasks::tell_of_command(core::TaskId task) {
    return once(task, [this, task](probes::Answer answer) {
        queue_.push(core::CommandEnded{task, answer.yes, std::move(answer.what)});
        queue_.once_handled([this, task] { recorder_.erase(task); });
    });
}

void Tasks::run(const core::RunCommand& action) {
    const Done done = tell_of_command(action.task);
    if (auto opened = runs_.open(action.run, action.definition); !opened) {
        return done(probes::failure(opened.error()));
    }
    RunContext context = *runs_.context(action.run);
    // To speak for the service is for its main process.
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC"}) context.extra.erase(name);
    for (const auto& [name, value] : action.environment) context.extra[name] = value;
    auto spec = runs_.prepare(context, action.command, action.as_root);
    if (!spec) return done(probes::failure(spec.error()));
    state::Command record;
    record.id = action.task;
    record.run = action.run;
    record.captured = !action.to_log;
    if (!action.to_log) return run(std::move(record), context, std::move(*spec), done);
    auto output = runs_.output_of(*action.definition);
    if (!output) return done(probes::failure(output.error()));
    spec->stdout_fd = output->out;
    spec->stderr_fd = output->err;
    run(std::move(record), context, std::move(*spec), logged(action.definition, done));
}

/// Its last line ends with it, though it may lack the newline.
Tasks::Done Tasks::logged(const config::ServicePtr& definition, const Done& done) {
    return [this, definition, done](const probes::Answer& answer) {
        runs_.drain(*definition, [done, answer] { done(answer); });
    };
}

std::shared_ptr<Command> Tasks::command(const state::Command& record,
                                        std::unique_ptr<Containment> tree, const Done& done) {
    auto gone = [this, record = state::Command(record), done](probes::Answer answer) mutable {
        // It is the command that calls us.
        asio::post(io_, [this, task = record.id] { commands_.erase(task); });
        if (record.probe || !tasks_.contains(record.id)) {
            recorder_.erase(record.id);
        } else {
            record.outcome = state::Command::Outcome{answer.yes, answer.what};
            recorder_.write(record);
        }
        done(std::move(answer));
    };
    auto command = std::make_shared<Command>(io_, std::move(tree), std::move(gone));
    commands_[record.id] = command;
    return command;
}

void Tasks::run(state::Command record, const RunContext& context, os::SpawnSpec spec,
                const Done& done) {
    const auto started_command = command(record, runs_.contain(context), done);
    started(record.id, [started_command] { started_command->kill(); });
    // Before there is a process: whoever takes over looks for it.
    record.tree = started_command->tree();
    recorder_.write(record);
    if (!started_command->start(std::move(spec), record.captured)) return;
    record.tree = started_command->tree();
    recorder_.write(record);
}

bool Tasks::resume(const state::Command& record) {
    if (record.outcome) {
        const Done done = tell_of_command(record.id);
        asio::post(io_, [done, outcome = *record.outcome] {
            done({.yes = outcome.succeeded, .what = outcome.what});
        });
        return true;
    }
    const auto told = std::make_shared<Done>([](const probes::Answer&) {});
    const auto resumed = command(record, runs_.reopen(record.run, record.tree),
                                 [told](const probes::Answer& answer) { (*told)(answer); });
    const bool born = resumed->resume(record.tree, record.captured);
    const auto context = runs_.context(record.run);
    const bool goes_on = born && !record.probe && context && resumed->has_outcome();
    if (goes_on) {
        *told = tell_of_command(record.id);
        if (!record.captured) *told = logged(context->definition, *told);
        started(record.id, [resumed] { resumed->kill(); });
        return true;
    }
    if (born && record.probe) *told = once_free(record.run, *told);
    if (born) resumed->kill();
    return false;
}

void Tasks::probe(const core::StartProbe& action) {
    ask(action, once(action.task, [this, task = action.task, name = probes::name_of(action.probe)](
                                      const probes::Answer& answer) {
            using Kind = core::ProbeAnswered::Answer;
            const Kind kind = answer.unasked ? Kind::Unasked : answer.yes ? Kind::Yes : Kind::No;
            std::string text = name;
            text.append(": ").append(answer.what);
            queue_.push(core::ProbeAnswered{task, kind, std::move(text)});
        }));
}

/// One that not even SIGKILL has ended yet has no other beside it: that one begins after it, unless
/// it is cancelled until then.
void Tasks::ask_by_command(const core::StartProbe& action, const RunContext& context,
                           os::SpawnSpec spec, const Done& done) {
    const auto [asking, first] = asking_.try_emplace(action.run);
    if (!first) {
        asking->second = [this, action, done] {
            if (tasks_.contains(action.task)) ask(action, done);
        };
        return;
    }
    state::Command record;
    record.id = action.task;
    record.run = action.run;
    record.captured = record.probe = true;
    run(std::move(record), context, std::move(spec), once_free(action.run, done));
}

/// Then what waits for the run's probe to be gone may begin.
Tasks::Done Tasks::once_free(core::RunId run, const Done& done) {
    asking_.try_emplace(run);
    return [this, run, done](const probes::Answer& answer) {
        const auto next = asking_.extract(run);
        done(answer);
        if (next && next.mapped()) next.mapped()();
    };
}

void Tasks::ask(const core::StartProbe& action, const Done& done) {
    const auto context = runs_.context(action.run);
    if (!context) return cancel(action.task);
    std::visit(
        Overloaded{[&](const config::ExecCheck& exec) {
                       auto spec = runs_.prepare(*context, exec.command);
                       if (!spec) return done(probes::failure(spec.error()));
                       ask_by_command(action, *context, std::move(*spec), done);
                   },
                   [&](const config::TcpCheck& tcp) {
                       started(action.task, probes::connect(io_, lookups_, tcp, done));
                   },
                   [&](const config::UnixCheck& socket) {
                       done(probes::knock(socket, [this, run = action.run](pid_t pid) {
                           return runs_.is_member(run, pid);
                       }));
                   },
                   [&](const config::HttpCheck& http) {
                       started(action.task, probes::get(io_, http, done));
                   },
                   [&](const config::PathCheck& path) { done(probes::look(path, context->start)); },
                   // Awaited, never asked.
                   [&](const config::NotifyCheck&) { cancel(action.task); },
                   [&](const config::FdCheck&) { cancel(action.task); },
                   [&](const config::LogCheck&) { cancel(action.task); }},
        action.probe.check);
}

void Tasks::end(const core::EndTask& action) {
    const auto found = commands_.find(action.task);
    if (found == commands_.end()) return;
    if (action.patience <= Duration::zero()) return found->second->kill();
    found->second->end(action.patience);
}

}  // namespace reeve::shell
