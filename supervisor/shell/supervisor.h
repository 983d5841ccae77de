#pragma once

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "config/load.h"
#include "supervisor/core/engine.h"
#include "supervisor/log/collector.h"
#include "supervisor/os/process.h"
#include "supervisor/os/spawn.h"
#include "supervisor/shell/boot_watch.h"
#include "supervisor/shell/children.h"
#include "supervisor/shell/command_line.h"
#include "supervisor/shell/configuration.h"
#include "supervisor/shell/containment.h"
#include "supervisor/shell/control.h"
#include "supervisor/shell/enablement.h"
#include "supervisor/shell/environment.h"
#include "supervisor/shell/event_queue.h"
#include "supervisor/shell/folder_watch.h"
#include "supervisor/shell/holding.h"
#include "supervisor/shell/listener.h"
#include "supervisor/shell/own_log.h"
#include "supervisor/shell/runs.h"
#include "supervisor/shell/tasks.h"
#include "supervisor/shell/upgrade.h"
#include "supervisor/state/handover.h"
#include "supervisor/state/recorder.h"

namespace reeve::shell {

/// What main() has found out and prepared.
struct Setup {
    Options options;
    config::LoadOptions load;
    config::PlanPtr plan;
    config::Supervisor settings;  ///< with flags and environment applied
    std::string runtime_dir;      ///< empty: none could be had
    std::string log_dir;
    std::string state_dir;           ///< empty: none could be had
    bool needs_runtime_dir = false;  ///< it or the socket in it was asked for by name
    Environment environment;
    sigset_t signals;  ///< blocked, to be read
    const os::Program* program = nullptr;
    std::vector<os::ResourceLimit> limits;    ///< those that it was started with
    int lock = -1;                            ///< on the runtime directory; not owned
    std::optional<state::Handover> handover;  ///< from another program in this process
    std::vector<Time> faults;                 ///< of such programs, the last few
    bool takes_over = false;                  ///< there is one from whom to
    std::string refused;  ///< why the plan is not by the configuration, but by the former one
    BootWatch* boot_watch = nullptr;  ///< looks on, where somebody waits for the boot
    int caller = -1;                  ///< by which they are told; not owned
};

/// The supervisor as a process: one loop that turns what happens into events, hands them to the
/// engine one at a time, and carries out what it says.
class Supervisor {
  public:
    /// The log, the spawner and the set-up outlive it.
    Supervisor(Setup& setup, OwnLog& log, os::Spawner& spawner, log::Collector& collector);
    ~Supervisor();

    /// Opens what it needs; fails when a place that was asked for cannot be had.
    Result<> open();
    /// Boots, supervises and returns the exit status.
    int run();

  private:
    void await_signals();
    void take_signal(int signal);
    void reload();
    void reopen_logs();
    void upgrade(std::string path, std::function<void(Error)> refuse);
    void tried(const Result<std::string>& shown);
    void upgrade_when_idle();
    Result<> execute(const std::string& path);
    void take_over(const state::Predecessor& predecessor);
    void take_changed_configuration();
    void end_if_faulty();
    void adopt_logs(const state::Predecessor* predecessor);
    log::FdPair held_pipes_of(const state::Process& process);
    Result<> listen();
    void watch_places();
    void reserve_folder();
    void restore_places();
    Result<> let_clients_in(const config::Supervisor& settings);
    void settings_changed(const config::Plan& now);
    void pump();
    static core::Engine make_engine(const config::PlanPtr& plan,
                                    const std::optional<state::Predecessor>& predecessor);
    void tell_changes();
    void arm_timer();
    void carry_out(const core::Spawn& action);
    void carry_out(const core::Signal& action) { runs_.signal(action); }
    void carry_out(const core::KillTree& action) { runs_.kill_tree(action.run); }
    void carry_out(const core::Reap& action) { runs_.reap(action.run); }
    void carry_out(const core::StartProbe& action) { tasks_.probe(action); }
    void carry_out(const core::FindMain& action) { runs_.find_main(action); }
    void carry_out(const core::RunCommand& action) { tasks_.run(action); }
    void carry_out(const core::CancelTask& action) { tasks_.cancel(action.task); }
    void carry_out(const core::EndTask& action) { tasks_.end(action); }
    void carry_out(const core::Touches& action) { control_.touches(action); }
    void carry_out(const core::Reply& action) { control_.reply(action); }
    void carry_out(const core::Announce& action);
    void carry_out(const core::AnnounceShutdown& action);
    void carry_out(const core::Forget& action);
    void carry_out(const core::Finish& action);

    Setup& setup_;
    OwnLog& log_;
    log::Collector& collector_;
    asio::io_context io_;
    asio::steady_timer timer_;
    std::optional<Time> timer_at_;
    asio::posix::stream_descriptor signals_;
    EventQueue queue_;
    std::vector<std::string> problems_;  // of the set-up, to be told in open()
    Enablement enablement_;
    config::PlanPtr plan_;  // as we have read it, until the engine has it
    state::Recorder recorder_;
    std::optional<state::Predecessor> predecessor_;  // until open()
    core::Engine engine_;
    Children children_;
    Holding holding_;
    Containments containments_;
    Runs runs_;
    Tasks tasks_;
    SupervisorInfo info_;
    Configuration configuration_;
    Control control_;
    Listener listener_;
    FolderWatch watch_;  // over what a successor needs
    Fd folder_;          // the runtime directory
    asio::steady_timer farewell_;
    std::optional<core::Resumed> resumed_;  // until run()
    std::vector<core::ServiceId> unknown_;  // of which the predecessor's records say nothing
    /// A program that is to take the place of ours.
    struct Upgrading {
        std::string path;
        std::function<void(Error)> refuse;
        bool tried = false;    // and can take over
        bool drained = false;  // clients have read what they were told, or had the time
    };
    std::optional<Upgrading> upgrading_;
    Trial trial_;
    std::set<std::string> heirlooms_;   // the pipes of a predecessor that no service of ours has
    std::deque<core::Action> actions_;  // decided, to be carried out in this order
    bool untouched_ = false;            // there was no predecessor, and nothing has been begun
    bool pump_scheduled_ = false;
    bool trimmed_ = false;
    int status_ = 0;
    int fault_status_ = 0;  // instead of 0
};

}  // namespace reeve::shell
