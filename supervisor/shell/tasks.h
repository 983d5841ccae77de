#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "supervisor/core/action.h"
#include "supervisor/shell/children.h"
#include "supervisor/shell/event_queue.h"
#include "supervisor/shell/runs.h"

namespace reeve::shell {

/// Commands and probes beside a service's main process: each is started once, says once what came
/// of it, and is ended with its process group when it is cancelled.
class Tasks {
  public:
    Tasks(asio::io_context& io, Children& children, Runs& runs, EventQueue& queue)
        : io_(io), children_(children), runs_(runs), queue_(queue) {}

    void run(const core::RunCommand& action);
    void probe(const core::StartProbe& action);
    void cancel(core::TaskId task);
    /// Ends a command, whose end is still told.
    void kill(core::TaskId task);

  private:
    using Done = std::function<void(bool succeeded, std::string what)>;
    struct Task;

    void start_command(core::TaskId id, core::RunId run, const config::Argv& command, Done done);
    void start_connect(core::TaskId id, const config::TcpCheck& check, Done done);
    void connect(const std::shared_ptr<Task>& task,
                 const asio::ip::tcp::resolver::results_type& endpoints);
    void read_output(const std::shared_ptr<Task>& task);
    void command_ended(const std::shared_ptr<Task>& task, const ExitStatus& status);
    void finish(const std::shared_ptr<Task>& task, bool succeeded, std::string what);

    asio::io_context& io_;
    Children& children_;
    Runs& runs_;
    EventQueue& queue_;
    std::unordered_map<core::TaskId, std::shared_ptr<Task>> tasks_;
};

}  // namespace reeve::shell
