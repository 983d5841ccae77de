#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/plan.h"
#include "supervisor/core/action.h"
#include "supervisor/log/collector.h"
#include "supervisor/os/memory_kills.h"
#include "supervisor/os/spawn.h"
#include "supervisor/shell/containment.h"
#include "supervisor/shell/environment.h"
#include "supervisor/shell/event_queue.h"
#include "supervisor/shell/main_finder.h"
#include "supervisor/shell/notify.h"
#include "supervisor/shell/own_log.h"

namespace reeve::shell {

/// What beside its command a process of a run is started with.
struct RunContext {
    config::ServicePtr definition;
    Environment extra;  ///< REEVE_SERVICE, the invocation id, MAINPID ...
};

/// The main processes and their trees: carries out Spawn, Signal, KillTree and Reap, and tells what
/// becomes of them. Decides nothing.
class Runs {
  public:
    Runs(asio::io_context& io, Containments& containments, log::Collector& collector,
         EventQueue& queue, OwnLog& log, const Environment& own_environment);

    void spawn(const core::Spawn& action);
    void signal(const core::Signal& action);
    void kill_tree(core::RunId run);
    void find_main(const core::FindMain& action);
    /// Whatever is left of its tree is let go.
    void reap(core::RunId run);

    /// The environment and such of a run that lives, for commands that are run beside it.
    std::optional<RunContext> context(core::RunId run) const;
    /// A tree of its own for such a command.
    std::unique_ptr<Containment> contain(const RunContext& context);
    /// The same process set-up as a main process has, for another command; descriptors 0, 1 and 2
    /// are null devices until set.
    Result<os::SpawnSpec> prepare(const RunContext& context, const config::Argv& command) const;

    /// All living processes of a run, the main process first.
    std::vector<os::ProcessEntry> processes(core::RunId run) const;
    std::optional<Tracking> tracking(core::RunId run) const;
    /// Whether the process, alive or a zombie, is of the run's tree.
    bool is_member(core::RunId run, pid_t pid) const;
    /// Those of them that can be the main process of a forking service whose first process has
    /// ended.
    std::vector<os::ProcessEntry> candidates(core::RunId run) const { return processes(run); }
    /// That living member is the main process from now on: Exited will tell of it, Signal{Main}
    /// goes to it. Fails when there is no such member.
    Result<> adopt_main(core::RunId run, pid_t pid);

  private:
    struct Run {
        core::RunId id;
        config::ServicePtr definition;
        pid_t pid = 0;
        bool adopted = false;  // pid is not that of the first process
        std::string invocation_id;
        std::unique_ptr<Containment> tree;
        std::optional<std::uint64_t> cgroup;  // the number of its own, if it has one
        std::unique_ptr<NotifyChannel> notify;
        os::StartMark start{};  // a moment before the first process
        std::unique_ptr<MainFinder> finder;
        std::optional<os::Ended> end;
        std::optional<bool> out_of_memory;
        std::unique_ptr<asio::steady_timer> patience;  // while its last lines are awaited
        bool told = false;                             // Exited was said
        bool killing = false;
    };

    std::optional<core::SpawnFailed> start(Run& run);
    Result<> open_notify(Run& run);
    void main_named(core::RunId id, pid_t pid);
    bool main_found(core::RunId id, pid_t pid);
    void remove_old_pid_file(const config::Service& service);
    Containment::OnEnd on_end(core::RunId id);
    void ended(core::RunId id, const os::Ended& end);
    void drained(core::RunId id);
    void await_empty(Run& run);
    void emptied(core::RunId id);
    bool is_parent(const Run& run) const;

    asio::io_context& io_;
    Containments& containments_;
    log::Collector& collector_;
    EventQueue& queue_;
    OwnLog& log_;
    const Environment& own_environment_;
    Fd null_;
    os::MemoryKills memory_kills_;
    std::unordered_map<core::RunId, Run> runs_;
};

}  // namespace reeve::shell
