#include "supervisor/shell/supervisor.h"

#include <malloc.h>
#include <sys/random.h>

#include <csignal>

#include "config/diff.h"
#include "supervisor/os/signal_fd.h"
#include "supervisor/shell/clock.h"
#include "supervisor/shell/version.h"

namespace reeve::shell {

namespace {

constexpr Duration pump_slice = 5ms;

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    if (::getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) {
        seed = static_cast<std::uint64_t>(now().time_since_epoch().count());
    }
    return seed;
}

config::LogLevel level_of(const core::Announce& change) {
    if (change.to == "failed") return config::LogLevel::Error;
    if (change.to == "backoff") return config::LogLevel::Warning;
    return config::LogLevel::Info;
}

}  // namespace

Supervisor::Supervisor(const Setup& setup, OwnLog& log, os::Spawner& spawner,
                       log::Collector& collector)
    : setup_(setup),
      log_(log),
      collector_(collector),
      io_(1),
      timer_(io_),
      signals_(io_),
      queue_([this] {
          if (!std::exchange(pump_scheduled_, true)) asio::post(io_, [this] { pump(); });
      }),
      engine_(setup.plan, random_seed()),
      children_(io_),
      runs_(io_, children_, collector_, queue_, log_, spawner, setup_.environment),
      tasks_(io_, children_, runs_, queue_),
      info_{version, setup.runtime_dir, setup.log_dir, setup.plan->files, now()},
      control_(io_, queue_, engine_, runs_, info_, log_) {}

Supervisor::~Supervisor() = default;

Result<> Supervisor::open() {
    auto signals = os::make_signal_fd(setup_.signals);
    if (!signals) return signals.error();
    signals_.assign(signals->release());
    await_signals();
    if (setup_.runtime_dir.empty()) return {};
    // What a killed predecessor's services have written, and may go on writing, waits in their
    // pipes.
    for (const config::ServicePtr& service : engine_.units().plan().services) {
        if (service->policy.log.kind != config::Log::Kind::Capture) continue;
        auto adopted = collector_.adopt(service->name, service->policy.log);
        if (!adopted) {
            log_.warning(adopted.error().text() + "; ignoring what was in there");
        } else if (*adopted) {
            heirlooms_.insert(service->name);
        }
    }
    const config::Supervisor& settings = setup_.settings;
    const std::string path =
        settings.socket.path.empty() ? setup_.runtime_dir + "/control.sock" : settings.socket.path;
    if (auto listening = control_.listen(path, settings.socket_mode(), settings.socket.group);
        !listening) {
        return listening;
    }
    log_.info("reeved " + std::string(version) + " is listening on " + path);
    return {};
}

int Supervisor::run() {
    queue_.push(core::BootAsked{});
    io_.run();
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
    if (signal == SIGCHLD) return runs_.child_ended();
    log_.info("got " + signal_name(signal));
    if (signal == SIGHUP) return reload();
    if (signal == SIGUSR1) {
        if (auto opened = log_.reopen(); !opened) log_.error(opened.error().text());
        return collector_.reopen();
    }
    // Unread, it would end us.
    if (signal == SIGUSR2) return log_.warning("ignoring SIGUSR2: not supported yet");
    queue_.push(core::ShutdownAsked{});
}

void Supervisor::reload() {
    control_.restore();
    const config::LoadResult loaded = config::load(setup_.load);
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
        return;
    }
    apply_settings(*loaded.plan);
    info_.config = loaded.plan->files;
    for (const config::ServicePtr& service : loaded.plan->services) {
        collector_.configure(service->name, service->policy.log);
    }
    queue_.push(core::PlanReplaced{loaded.plan, true});
    // The text and its tree are gone; what they took would stay ours for ever.
    ::malloc_trim(0);
}

void Supervisor::apply_settings(const config::Plan& plan) {
    for (const std::string& key : config::diff(engine_.units().plan(), plan).supervisor_keys) {
        if (key == "shutdown_timeout" || key == "exit_when") continue;  // the engine's, by the plan
        if (key != "log") {
            log_.warning("supervisor." + key + " has changed, which takes a new start of reeved");
            continue;
        }
        config::Supervisor settings = plan.supervisor;
        apply(setup_.options, settings);
        if (auto configured = log_.configure(settings.log); !configured) {
            log_.error(configured.error().text());
        }
    }
}

void Supervisor::pump() {
    // A boot of ten thousand services takes seconds: in between, clients and signals get their
    // turn.
    const Time slice_end = now() + pump_slice;
    while (!actions_.empty() || !queue_.empty()) {
        if (now() > slice_end) {
            asio::post(io_, [this] { pump(); });
            return;
        }
        if (actions_.empty()) {
            for (core::Action& action : engine_.handle(queue_.pop(), now())) {
                actions_.push_back(std::move(action));
            }
            continue;
        }
        const core::Action action = std::move(actions_.front());
        actions_.pop_front();
        std::visit([this](const auto& one) { carry_out(one); }, action);
    }
    pump_scheduled_ = false;
    arm_timer();
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
    // What moves within a state is for `status`, not for the log.
    const bool moved = change.from != change.to;
    std::string line = change.name + ": " + std::string(change.to);
    if (change.pid && change.to == "running") line += " (pid " + std::to_string(*change.pid) + ")";
    if (!change.cause.empty()) line += ": " + change.cause;
    if (!moved) return log_.debug(line);
    switch (level_of(change)) {
        case config::LogLevel::Error:
            return log_.error(line);
        case config::LogLevel::Warning:
            return log_.warning(line);
        case config::LogLevel::Trace:
        case config::LogLevel::Debug:
        case config::LogLevel::Info:
            return log_.info(line);
    }
}

void Supervisor::carry_out(const core::Forget& action) { collector_.remove(action.name); }

void Supervisor::carry_out(const core::Finish& finish) {
    for (const std::string& name : finish.survivors) {
        log_.error("cannot end " + name + ": it survives SIGKILL; leaving it");
    }
    // What they said last has been read before their ends were told; but nobody has told the end of
    // one that a predecessor had started.
    engine_.units().for_each([this](const core::Unit& unit) {
        if (!heirlooms_.contains(unit.name())) collector_.remove(unit.name());
    });
    status_ = finish.status;
    io_.stop();
}

}  // namespace reeve::shell
