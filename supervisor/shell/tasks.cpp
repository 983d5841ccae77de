#include "supervisor/shell/tasks.h"

#include <utility>

#include "base/overloaded.h"
#include "supervisor/shell/probes/probes.h"

namespace reeve::shell {

/// What tells how the task ended: but for the first time, and when nobody waits any more, it does
/// nothing.
Tasks::Done Tasks::once(core::TaskId task, Done tell) {
    tasks_[task] = nullptr;
    return [this, task, tell = std::move(tell)](bool succeeded, std::string what) {
        if (tasks_.erase(task) > 0) tell(succeeded, std::move(what));
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
    const Done done =
        once(action.task, [this, task = action.task](bool succeeded, std::string what) {
            queue_.push(core::CommandEnded{task, succeeded, std::move(what)});
        });
    if (auto opened = runs_.open(action.run, action.definition); !opened) {
        return done(false, opened.error().text());
    }
    RunContext context = *runs_.context(action.run);
    // To speak for the service is for its main process.
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC"}) context.extra.erase(name);
    for (const auto& [name, value] : action.environment) context.extra[name] = value;
    auto spec = runs_.prepare(context, action.command, action.as_root);
    if (!spec) return done(false, spec.error().text());
    Runs::Output output;
    if (action.to_log) {
        auto opened = runs_.output_of(*action.definition);
        if (!opened) return done(false, opened.error().text());
        output = std::move(*opened);
        spec->stdout_fd = output.out;
        spec->stderr_fd = output.err;
    }
    run(action.task, context, std::move(*spec), !action.to_log, done);
}

void Tasks::run(core::TaskId task, const RunContext& context, os::SpawnSpec spec, bool captured,
                const Done& done) {
    auto gone = [this, task, done](bool succeeded, std::string what) {
        // It is the command that calls us.
        asio::post(io_, [this, task] { commands_.erase(task); });
        done(succeeded, std::move(what));
    };
    const auto command = std::make_shared<Command>(io_, runs_.contain(context), std::move(gone));
    commands_[task] = command;
    started(task, [command] { command->kill(); });
    command->start(std::move(spec), captured);
}

void Tasks::probe(const core::StartProbe& action) {
    const Done done =
        once(action.task, [this, task = action.task, name = probes::name_of(action.probe)](
                              bool succeeded, std::string what) {
            std::string text = name;
            text.append(": ").append(what);
            queue_.push(core::ProbeAnswered{task, succeeded, std::move(text)});
        });
    ask(action, done);
}

void Tasks::ask(const core::StartProbe& action, const Done& done) {
    const auto tell = [done](probes::Answer answer) { done(answer.yes, std::move(answer.what)); };
    const auto context = runs_.context(action.run);
    if (!context) return cancel(action.task);
    std::visit(
        Overloaded{[&](const config::ExecCheck& exec) {
                       auto spec = runs_.prepare(*context, exec.command);
                       if (!spec) return done(false, spec.error().text());
                       run(action.task, *context, std::move(*spec), true, done);
                   },
                   [&](const config::TcpCheck& tcp) {
                       started(action.task, probes::connect(io_, tcp, tell));
                   },
                   [&](const config::UnixCheck& socket) {
                       tell(probes::knock(socket, [this, run = action.run](pid_t pid) {
                           return runs_.is_member(run, pid);
                       }));
                   },
                   [&](const config::HttpCheck& http) {
                       started(action.task, probes::get(io_, http, tell));
                   },
                   [&](const config::PathCheck& path) { tell(probes::look(path, context->start)); },
                   // Awaited, never asked.
                   [&](const config::NotifyCheck&) { cancel(action.task); },
                   [&](const config::FdCheck&) { cancel(action.task); },
                   [&](const config::LogCheck&) { cancel(action.task); }},
        action.probe.check);
}

void Tasks::kill(core::TaskId task) {
    if (const auto found = commands_.find(task); found != commands_.end()) found->second->kill();
}

}  // namespace reeve::shell
