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

void Tasks::run(const core::RunCommand& action) {
    const Done done = once(action.task, [this, task = action.task](probes::Answer answer) {
        queue_.push(core::CommandEnded{task, answer.yes, std::move(answer.what)});
    });
    if (auto opened = runs_.open(action.run, action.definition); !opened) {
        return done(probes::failure(opened.error()));
    }
    RunContext context = *runs_.context(action.run);
    // To speak for the service is for its main process.
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC"}) context.extra.erase(name);
    for (const auto& [name, value] : action.environment) context.extra[name] = value;
    auto spec = runs_.prepare(context, action.command, action.as_root);
    if (!spec) return done(probes::failure(spec.error()));
    if (!action.to_log) return run(action.task, context, std::move(*spec), true, done);
    auto output = runs_.output_of(*action.definition);
    if (!output) return done(probes::failure(output.error()));
    spec->stdout_fd = output->out;
    spec->stderr_fd = output->err;
    // Its last line ends with it, though it may lack the newline.
    const auto logged = [this, definition = action.definition, done](const probes::Answer& answer) {
        runs_.drain(*definition, [done, answer] { done(answer); });
    };
    run(action.task, context, std::move(*spec), false, logged);
}

void Tasks::run(core::TaskId task, const RunContext& context, os::SpawnSpec spec, bool captured,
                const Done& done) {
    auto gone = [this, task, done](probes::Answer answer) {
        // It is the command that calls us.
        asio::post(io_, [this, task] { commands_.erase(task); });
        done(std::move(answer));
    };
    const auto command = std::make_shared<Command>(io_, runs_.contain(context), std::move(gone));
    commands_[task] = command;
    started(task, [command] { command->kill(); });
    command->start(std::move(spec), captured);
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
    const auto ended = [this, run = action.run, done](const probes::Answer& answer) {
        const auto next = asking_.extract(run);
        done(answer);
        if (next.mapped()) next.mapped()();
    };
    run(action.task, context, std::move(spec), true, ended);
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
