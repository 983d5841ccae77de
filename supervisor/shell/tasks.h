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
    Tasks(asio::io_context& io, Runs& runs, EventQueue& queue)
        : io_(io), runs_(runs), queue_(queue) {}

    void run(const core::RunCommand& action);
    void probe(const core::StartProbe& action);
    void cancel(core::TaskId task);
    /// Ends a command, whose end is still told.
    void kill(core::TaskId task);

  private:
    using Done = std::function<void(bool succeeded, std::string what)>;
    using Cancel = std::function<void()>;

    Done once(core::TaskId task, Done tell);
    void started(core::TaskId task, Cancel cancel);
    void run(core::TaskId task, const RunContext& context, os::SpawnSpec spec, bool captured,
             const Done& done);
    void ask(const core::StartProbe& action, const Done& done);

    asio::io_context& io_;
    Runs& runs_;
    EventQueue& queue_;
    std::unordered_map<core::TaskId, Cancel> tasks_;  // and what ends each early
    std::unordered_map<core::TaskId, std::shared_ptr<Command>> commands_;  // cancelled ones, too
};

}  // namespace reeve::shell
