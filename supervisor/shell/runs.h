#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/plan.h"
#include "supervisor/core/action.h"
#include "supervisor/log/collector.h"
#include "supervisor/os/memory_kills.h"
#include "supervisor/os/spawn.h"
#include "supervisor/os/start_mark.h"
#include "supervisor/shell/children.h"
#include "supervisor/shell/environment.h"
#include "supervisor/shell/event_queue.h"
#include "supervisor/shell/notify.h"
#include "supervisor/shell/own_log.h"
#include "supervisor/shell/probes/ready_pipe.h"
#include "supervisor/shell/trees.h"

namespace reeve::shell {

/// What beside its command a process of a run is started with.
struct RunContext {
    config::ServicePtr definition;
    Environment extra;    ///< REEVE_SERVICE, the invocation id, MAINPID ...
    os::StartMark start;  ///< a moment before the run's first process
};

/// The main processes and their trees: carries out Spawn, Signal, KillTree and Reap, and tells what
/// becomes of them. Decides nothing.
class Runs {
  public:
    Runs(asio::io_context& io, Children& children, log::Collector& collector, EventQueue& queue,
         OwnLog& log, os::Spawner& spawner, const Environment& own_environment);

    /// Prepares a run for its first process, be it the main one or a hook before it: its folders,
    /// its id, the channels by which it speaks. Does nothing to one that is open.
    Result<> open(core::RunId run, const config::ServicePtr& definition);
    void spawn(const core::Spawn& action);
    void signal(const core::Signal& action);
    void kill_tree(core::RunId run);
    void find_main(const core::FindMain& action);
    void reap(core::RunId run);
    /// SIGCHLD came: orphans may have ended, trees may have emptied.
    void child_ended();

    /// The environment and such of a run that lives, for commands that are run beside it.
    std::optional<RunContext> context(core::RunId run) const;
    os::Spawner& spawner() { return spawner_; }
    /// The same process set-up as a main process has, for another command (spec_of, execution.h);
    /// descriptors 0, 1 and 2 are null devices until set.
    Result<os::SpawnSpec> prepare(const RunContext& context, const config::Argv& command,
                                  bool as_root = false) const;
    /// Where a service's processes write to, and what keeps that open.
    struct Output {
        log::Collector::Ends ends;
        int out = -1, err = -1;
    };
    Result<Output> output_of(const config::Service& service);
    bool is_member(core::RunId run, pid_t pid) const { return trees_.is_member(run, pid); }
    /// All living processes of a run, as of the last look at the orphans.
    std::vector<os::ProcessEntry> processes(core::RunId run) const { return trees_.members(run); }
    void look_at_orphans() { trees_.census(); }

  private:
    struct Run {
        core::RunId id;
        config::ServicePtr definition;
        pid_t pid = 0;
        std::string invocation_id;
        Environment directories;  // that were made for it, by their variables
        os::StartMark start = os::StartMark::now();
        std::unique_ptr<NotifyChannel> notify;
        std::shared_ptr<ReadyPipe> ready_pipe;
        std::optional<os::Ended> end;
        std::optional<bool> out_of_memory;
        std::unique_ptr<asio::steady_timer> patience;  // while its last lines are awaited
        bool told = false;                             // Exited was said
        bool killing = false;
    };

    std::optional<core::SpawnFailed> start(Run& run);
    Result<> open_notify(Run& run);
    Result<Fd> open_ready_pipe(Run& run);
    Result<> watch_log(const Run& run, const Output& output);
    Result<Fd> open_input(const config::Execution& execution) const;
    void main_named(core::RunId id, pid_t pid);
    void signal_tree(const Run& run, int signal);
    void ended(core::RunId id, const os::Ended& end);
    void drained(core::RunId id);
    void schedule_report();
    void report();
    void look_at_trees();

    asio::io_context& io_;
    Children& children_;
    log::Collector& collector_;
    EventQueue& queue_;
    OwnLog& log_;
    os::Spawner& spawner_;
    const Environment& own_environment_;
    Fd null_;
    os::MemoryKills memory_kills_;
    Trees trees_;
    std::unordered_map<core::RunId, Run> runs_;
    std::vector<core::RunId> ended_;  // to be told with the next report
    std::set<core::RunId> awaited_;   // whose trees are to be empty
    bool report_scheduled_ = false;
};

}  // namespace reeve::shell
