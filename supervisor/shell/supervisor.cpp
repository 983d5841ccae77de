#include "supervisor/shell/supervisor.h"

#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <iterator>

#include "base/fault_point.h"
#include "config/graph.h"
#include "supervisor/os/runtime_dir.h"
#include "supervisor/os/signal_fd.h"
#include "supervisor/shell/clock.h"
#include "supervisor/shell/version.h"

namespace reeve::shell {

namespace {

constexpr Duration pump_slice = 5ms;

/// For so long the end waits for clients to read what they are told.
constexpr Duration farewell_patience = 1s;

/// What moves within a state is for `status`, not for the log, unless it is about its health.
config::LogLevel level_of(const core::Announce& change) {
    if (change.from == change.to) {
        const auto tells = [&](std::string_view words) { return change.cause.starts_with(words); };
        if (tells("not ready yet: its probe cannot be asked")) return config::LogLevel::Warning;
        if (change.to != "running") return config::LogLevel::Debug;
        if (tells("unhealthy") || tells("its health probe cannot")) {
            return config::LogLevel::Warning;
        }
        if (tells("healthy again") || tells("its health probe answers")) {
            return config::LogLevel::Info;
        }
        return config::LogLevel::Debug;
    }
    if (change.to == "failed") return config::LogLevel::Error;
    if (change.to == "backoff") return config::LogLevel::Warning;
    return config::LogLevel::Info;
}

}  // namespace

Supervisor::Supervisor(Setup& setup, OwnLog& log, os::Spawner& spawner, log::Collector& collector)
    : setup_(setup),
      log_(log),
      collector_(collector),
      io_(1),
      timer_(io_),
      signals_(io_),
      queue_([this] {
          if (!std::exchange(pump_scheduled_, true)) asio::post(io_, [this] { pump(); });
      }),
      enablement_(setup.state_dir, problems_),
      plan_(config::with_enabled(*setup.plan, enablement_.decisions())),
      recorder_(setup.runtime_dir.empty() ? "" : setup.runtime_dir + "/state",
                [this](const std::string& problem) { log_.warning(problem); }),
      predecessor_(recorder_.open(plan_)),
      engine_(make_engine(plan_, predecessor_)),
      holding_(io_, children_, log_),
      containments_(io_, children_, spawner, log_, setup.runtime_dir),
      runs_(io_, containments_, collector_, queue_, log_, recorder_, holding_, setup_.environment,
            setup_.runtime_dir),
      tasks_(io_, runs_, queue_, recorder_),
      info_{version, setup.runtime_dir, setup.log_dir, setup.plan->files, now()},
      configuration_(setup.load, enablement_, engine_.units().plan_ptr(), engine_, queue_,
                     [this](const config::Plan& now) { settings_changed(now); }),
      control_(
          {io_, engine_, queue_, runs_, configuration_, info_, log_, [this] { reopen_logs(); },
           [this] { tell_changes(); },
           [this](std::string path, auto refuse) { upgrade(std::move(path), std::move(refuse)); }}),
      listener_(
          io_, log_, [this](Listener::Socket socket) { control_.admit(std::move(socket)); },
          [this](int socket) { holding_.keep(Holding::Kind::Listener, 0, socket); }),
      watch_(io_, [this] { restore_places(); }),
      farewell_(io_),
      trial_(io_) {
    children_.on_ending([this](const os::Ended& end) { runs_.ending(end); });
    if (setup_.runtime_dir.empty()) return;
    untouched_ = !predecessor_;
    holding_.begin(spawner, setup_.runtime_dir);
    containments_.hold_by(holding_);
    collector_.on_fifo([this](std::uint64_t inode, int reading) {
        if (reading < 0) return holding_.drop(Holding::Kind::LogPipe, inode);
        holding_.keep(Holding::Kind::LogPipe, inode, reading);
    });
}

Supervisor::~Supervisor() {
    if (!untouched_) return;
    // It could not begin: a successor would find nothing.
    holding_.end();
    recorder_.remove();
}

Result<> Supervisor::open() {
    auto signals = os::make_signal_fd(setup_.signals);
    if (!signals) return signals.error();
    signals_.assign(signals->release());
    await_signals();
    for (const std::string& problem : problems_) log_.warning(problem);
    // Old log files are tended to also where a service does not run.
    for (const config::ServicePtr& service : plan_->services) {
        collector_.configure(service->name, service->policy.log);
    }
    if (predecessor_) take_over(*predecessor_);
    containments_.all_reopened();
    if (setup_.runtime_dir.empty()) return {};
    adopt_logs(predecessor_ ? &*predecessor_ : nullptr);
    predecessor_.reset();
    auto listening = listen();
    holding_.drop_rest();
    watch_places();
    return listening;
}

Result<> Supervisor::listen() {
    const config::Supervisor& settings = setup_.settings;
    const std::string path =
        settings.socket.path.empty() ? setup_.runtime_dir + "/control.sock" : settings.socket.path;
    const Listener::Permissions permissions{settings.socket_mode(), settings.socket.group};
    Fd left = holding_.take(Holding::Kind::Listener, 0);
    const std::string former = left ? Listener::path_of(left.get()) : "";
    auto listening = former == path ? listener_.go_on(path, permissions, std::move(left))
                                    : listener_.listen(path, permissions);
    if (listening && left) ::unlink(former.c_str());
    if (!listening && left) {
        log_.error(listening.error().text() + "; going on where it was");
        listening = listener_.go_on(former, permissions, std::move(left));
    }
    if (listening) listening = let_clients_in(settings);
    if (!listening) {
        const bool needed = setup_.needs_runtime_dir || !os::has_no_room(listening.error());
        if (needed && !setup_.takes_over) return listening;
        log_.warning(listening.error().text() + "; going on without a control socket");
        return {};
    }
    log_.info("reeved " + std::string(version) + " is listening on " + listener_.path());
    return {};
}

/// The runtime directory is closed to others, unless the socket in it is for them.
Result<> Supervisor::let_clients_in(const config::Supervisor& settings) {
    const bool inside = listener_.path().starts_with(setup_.runtime_dir + "/");
    const bool for_others = inside && (settings.socket_mode() & 077) != 0;
    const mode_t closed = 0700, passable = 0711;
    struct stat status {};
    if (::stat(setup_.runtime_dir.c_str(), &status) != 0) return {};
    // Somebody else's idea of who may look into the folder is left as it is.
    const mode_t mode = status.st_mode & 07777;
    if (mode != (for_others ? closed : passable)) return {};
    if (::chmod(setup_.runtime_dir.c_str(), for_others ? passable : closed) == 0) return {};
    return system_error("cannot set the permissions of " + setup_.runtime_dir);
}

int Supervisor::run() {
    untouched_ = false;
    if (setup_.handover) control_.take_over(*setup_.handover);
    if (!setup_.refused.empty()) {
        log_.error("configuration refused: " + setup_.refused +
                   " (see reevectl diff); going on with the former one");
        control_.announce_configuration("refused: " + setup_.refused);
    }
    if (resumed_) {
        queue_.push(std::move(*resumed_));
        for (core::Event& event : runs_.take_unheard()) queue_.push(std::move(event));
    }
    // What has changed meanwhile changes as by a reload.
    if (plan_ != engine_.units().plan_ptr()) take_changed_configuration();
    plan_.reset();
    if (!engine_.snapshot().booted) {
        queue_.push(core::BootAsked{});
    } else if (!unknown_.empty()) {
        queue_.push(core::BootAsked{std::move(unknown_)});
    }
    control_.tell_upgraded();
    // Who was executed by an upgrade has heard of faults, and had none.
    if (!setup_.handover) end_if_faulty();
    setup_.handover.reset();
    io_.run();
    // Whoever holds the lock on the runtime directory has its cgroups, which is still us.
    containments_.close();
    return status_;
}

void Supervisor::await_signals() {
    signals_.async_wait(
        asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
            if (error) return;
            for (const signalfd_siginfo& info : os::read_signals(signals_.native_handle())) {
                take_signal(static_cast<int>(info.ssi_signo));
            }
            await_signals();
        });
}

void Supervisor::take_signal(int signal) {
    if (signal == SIGCHLD) return containments_.child_ended();
    log_.info("got " + signal_name(signal));
    if (signal == SIGHUP) return reload();
    if (signal == SIGUSR1) return reopen_logs();
    if (signal == SIGUSR2) {
        return upgrade("", [this](const Error& why) { log_.error("not upgraded: " + why.text()); });
    }
    queue_.push(core::ShutdownAsked{"asked by " + signal_name(signal)});
}

void Supervisor::reopen_logs() {
    log_.reopen();
    collector_.reopen();
}

void Supervisor::reload() {
    restore_places();
    if (engine_.shutting_down()) return log_.info("ignoring SIGHUP: everything is being stopped");
    config::LoadResult loaded = configuration_.read();
    for (const config::Problem& problem : loaded.problems) {
        const std::string line = config::to_line(problem);
        if (problem.severity == config::Severity::Error) {
            log_.error(line);
        } else {
            log_.warning(line);
        }
    }
    if (!loaded.plan) {
        log_.error("the configuration is not valid; everything stays as it is");
        return control_.announce_configuration("refused: it is not valid");
    }
    const std::string summary = summary_of(configuration_.compare(loaded));
    log_.info("configuration read again: " + summary);
    control_.announce_configuration("applied: " + summary);
    core::PlanReplaced replaced;
    replaced.reload_services = true;
    configuration_.take(std::move(loaded.plan), std::move(replaced));
}

void Supervisor::settings_changed(const config::Plan& now) {
    info_.config = now.files;
    for (const config::ServicePtr& service : now.services) {
        collector_.configure(service->name, service->policy.log);
    }
    for (const std::string& key : not_live(configuration_.at_start(), now.supervisor)) {
        log_.warning("supervisor." + key + " has changed, which takes a new start of reeved");
    }
    config::Supervisor settings = now.supervisor;
    apply(setup_.options, settings);
    if (auto configured = log_.configure(settings.log); !configured) {
        log_.error(configured.error().text());
    }
    if (listener_.path().empty()) return;
    auto changed = listener_.change({settings.socket_mode(), settings.socket.group});
    if (changed) changed = let_clients_in(settings);
    if (!changed) log_.error(changed.error().text());
}

void Supervisor::pump() {
    // A boot of ten thousand services takes seconds: in between, clients and signals get their
    // turn.
    const Time slice_end = now() + pump_slice;
    for (;;) {
        if (actions_.empty()) queue_.carried_out();
        if (actions_.empty() && queue_.empty()) break;
        if (now() > slice_end) {
            asio::post(io_, [this] { pump(); });
            return;
        }
        if (actions_.empty()) {
            std::vector<core::Action> decided = engine_.handle(queue_.pop(), now());
            // Before anything is done: whoever takes over must know what was decided.
            recorder_.write(engine_);
            fault_point("a decision that is not carried out");
            if (setup_.boot_watch != nullptr) setup_.boot_watch->look(engine_, decided, now());
            std::move(decided.begin(), decided.end(), std::back_inserter(actions_));
            continue;
        }
        const core::Action action = std::move(actions_.front());
        actions_.pop_front();
        std::visit([this](const auto& one) { carry_out(one); }, action);
    }
    pump_scheduled_ = false;
    // What a boot took is free by now, but would stay ours for ever.
    if (engine_.snapshot().booted && !std::exchange(trimmed_, true)) ::malloc_trim(0);
    arm_timer();
    upgrade_when_idle();
}

void Supervisor::tell_changes() {
    for (core::Action& action : std::exchange(actions_, {})) {
        if (const auto* change = std::get_if<core::Announce>(&action)) {
            carry_out(*change);
        } else {
            actions_.push_back(std::move(action));
        }
    }
}

void Supervisor::arm_timer() {
    const auto deadline = engine_.next_deadline();
    if (deadline == timer_at_) return;
    timer_at_ = deadline;
    if (!deadline) {
        timer_.cancel();
        return;
    }
    // steady_clock is CLOCK_MONOTONIC too.
    timer_.expires_at(asio::steady_timer::time_point(deadline->time_since_epoch()));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        timer_at_.reset();
        queue_.push(core::DeadlinePassed{});
    });
}

void Supervisor::carry_out(const core::Spawn& action) {
    heirlooms_.erase(action.definition->name);
    runs_.spawn(action);
}

void Supervisor::carry_out(const core::Announce& change) {
    control_.announce(change);
    std::string line = change.name + ": " + std::string(change.to);
    if (change.pid && change.to == "running") line += " (pid " + std::to_string(*change.pid) + ")";
    if (!change.cause.empty()) line += ": " + change.cause;
    switch (level_of(change)) {
        case config::LogLevel::Error:
            return log_.error(line);
        case config::LogLevel::Warning:
            return log_.warning(line);
        case config::LogLevel::Info:
            return log_.info(line);
        case config::LogLevel::Trace:
        case config::LogLevel::Debug:
            return log_.debug(line);
    }
}

void Supervisor::carry_out(const core::AnnounceShutdown& action) {
    log_.info("stopping everything: " + action.cause);
    control_.announce(action);
}

void Supervisor::carry_out(const core::Forget& action) {
    collector_.remove(action.name);
    control_.announce(action);
}

void Supervisor::carry_out(const core::Finish& finish) {
    for (const std::string& name : finish.survivors) {
        log_.error("cannot end " + name + ": it survives SIGKILL; leaving it");
    }
    // What they said last has been read before their ends were told; but nobody has told the end of
    // one that a predecessor had started.
    engine_.units().for_each([this](const core::Unit& unit) {
        if (!heirlooms_.contains(unit.name())) collector_.remove(unit.name());
    });
    status_ = finish.status != 0 ? finish.status : fault_status_;
    watch_.end();
    recorder_.remove();
    holding_.end();
    // Clients are told the end of what they asked for, if they read it.
    listener_.close();
    farewell_.expires_after(farewell_patience);
    farewell_.async_wait([this](const boost::system::error_code& error) {
        if (!error) io_.stop();
    });
    control_.drain([this] { io_.stop(); });
}

}  // namespace reeve::shell
