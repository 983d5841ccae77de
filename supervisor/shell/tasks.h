#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "supervisor/core/action.h"
#include "supervisor/shell/command.h"
#include "supervisor/shell/event_queue.h"
#include "supervisor/shell/runs.h"

namespace reeve::shell {

/// What is under way beside the services' main processes, commands (command.h) and probes
/// (probes/probes.h): each is started once, says once what came of it unless it is cancelled, and
/// then ends with all that it has begun.
class Tasks {
  public:
    Tasks(asio::io_context& io, Runs& runs, EventQueue& queue, state::Recorder& recorder)
        : io_(io), runs_(runs), queue_(queue), recorder_(recorder), lookups_(io) {}

    /// Takes over a command that a predecessor has begun beside a run that was resumed. False: what
    /// it comes to is not told, and whatever is left of it is ended.
    bool resume(const state::Command& record);

    void run(const core::RunCommand& action);
    void probe(const core::StartProbe& action);
    void cancel(core::TaskId task);
    void end(const core::EndTask& action);

  private:
    using Done = std::function<void(probes::Answer)>;
    using Cancel = std::function<void()>;

    Done once(core::TaskId task, Done tell);
    void started(core::TaskId task, Cancel cancel);
    Done tell_of_command(core::TaskId task);
    std::shared_ptr<Command> command(const state::Command& record,
                                     std::unique_ptr<Containment> tree, const Done& done);
    void run(state::Command record, const RunContext& context, os::SpawnSpec spec,
             const Done& done);
    Done logged(const config::ServicePtr& definition, const Done& done);
    Done once_free(core::RunId run, const Done& done);
    void ask(const core::StartProbe& action, const Done& done);
    void ask_by_command(const core::StartProbe& action, const RunContext& context,
                        os::SpawnSpec spec, const Done& done);

    asio::io_context& io_;
    Runs& runs_;
    EventQueue& queue_;
    state::Recorder& recorder_;
    probes::Lookups lookups_;
    std::unordered_map<core::TaskId, Cancel> tasks_;  // and what ends each early
    std::unordered_map<core::TaskId, std::shared_ptr<Command>> commands_;  // cancelled ones, too
    /// Those that a probe's command is there for, and what is to be asked after it.
    std::unordered_map<core::RunId, std::function<void()>> asking_;
};

}  // namespace reeve::shell
