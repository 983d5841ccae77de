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
#include "supervisor/os/start_mark.h"
#include "supervisor/shell/containment.h"
#include "supervisor/shell/environment.h"
#include "supervisor/shell/event_queue.h"
#include "supervisor/shell/holding.h"
#include "supervisor/shell/main_finder.h"
#include "supervisor/shell/notify.h"
#include "supervisor/shell/own_log.h"
#include "supervisor/shell/probes/ready_pipe.h"
#include "supervisor/state/recorder.h"

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
    Runs(asio::io_context& io, Containments& containments, log::Collector& collector,
         EventQueue& queue, OwnLog& log, state::Recorder& recorder, Holding& holding,
         const Environment& own_environment, const std::string& runtime_dir);

    /// Takes over a run that a predecessor had, `unit` being what the engine knows of its service.
    /// `after_a_gap`: for a while nobody was there to see it end. Whether its first process was
    /// born.
    bool resume(const state::Run& record, const core::Unit& unit, bool after_a_gap);
    /// What the engine has not heard from the predecessor, to be told after Resumed; ends are told
    /// later, from the loop.
    std::vector<core::Event> take_unheard() { return std::exchange(unheard_, {}); }
    /// A child has ended and is not reaped yet.
    void ending(const os::Ended& end);

    /// Prepares a run for its first process, be it the main one or a hook before it: its folders,
    /// its id, the channels by which it speaks. Does nothing to one that is open.
    Result<> open(core::RunId run, const config::ServicePtr& definition);
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
    /// That of one that a predecessor has begun beside the run, which may be gone.
    std::unique_ptr<Containment> reopen(core::RunId run, const state::Tree& tree);
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
    /// Calls `done` once what was written so far is in the log, but after a second at most; a last
    /// line without its newline counts as ended.
    void drain(const config::Service& service, std::function<void()> done);

    /// All living processes of a run, the main process first.
    std::vector<os::ProcessEntry> processes(core::RunId run) const;
    std::optional<Tracking> tracking(core::RunId run) const;

    /// What is or was wrong with the log of a service.
    std::optional<log::Trouble> log_trouble(const std::string& service) const {
        return collector_.trouble(service);
    }
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
        Environment directories;  // that were made for it, by their variables
        os::StartMark start = os::StartMark::now();
        std::unique_ptr<Containment> tree;
        std::optional<std::uint64_t> cgroup;  // the number of its own, if it has one
        std::unique_ptr<NotifyChannel> notify;
        std::shared_ptr<ReadyPipe> ready_pipe;
        std::unique_ptr<MainFinder> finder;
        std::optional<os::Ended> end;  // to be told
        std::optional<bool> out_of_memory;
        std::optional<state::End> noted_end;  // of the present main process, told or not
        bool told = false;                    // Exited was said
        bool unseen = false;                  // the present main process ended before we came
        bool killing = false;
    };

    Result<> make(core::RunId run, const config::ServicePtr& definition);
    void note(const Run& run);
    void tell_what_was_not_heard(const Run& run, const core::Unit& unit);
    void await_readiness(Run& run, const std::string& pipe);
    std::shared_ptr<ReadyPipe> make_ready_pipe(core::RunId id, std::string path);
    std::optional<core::SpawnFailed> start(Run& run);
    Result<> open_notify(Run& run, Result<os::NotifySocket> socket);
    Result<Fd> open_ready_pipe(Run& run);
    Result<> watch_log(const Run& run, const log::Collector::Ends& ends);
    Result<Fd> open_input(const config::Execution& execution) const;
    void main_named(core::RunId id, pid_t pid);
    bool main_found(core::RunId id, pid_t pid);
    static Result<> remove_old_pid_file(const config::Service& service);
    Containment::OnEnd on_end(core::RunId id);
    void ended(core::RunId id, const os::Ended& end);
    void drained(core::RunId id);
    void await_empty(Run& run);
    void emptied(core::RunId id);
    bool is_parent(const Run& run) const;
    std::optional<bool> killed_for_memory(const Run& run, int signal);

    asio::io_context& io_;
    Containments& containments_;
    log::Collector& collector_;
    EventQueue& queue_;
    OwnLog& log_;
    state::Recorder& recorder_;
    Holding& holding_;
    const Environment& own_environment_;
    std::string pipes_;  // folder of the pipes for readiness; empty: they have no names
    Fd null_;
    os::MemoryKills memory_kills_;
    Time next_look_at_memory_{};
    std::unordered_map<core::RunId, Run> runs_;
    std::vector<core::Event> unheard_;
    std::unordered_map<pid_t, core::RunId> mains_;  // whose main processes have not ended
};

}  // namespace reeve::shell
