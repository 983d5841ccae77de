#include <unistd.h>

#include <iostream>
#include <optional>

#include "supervisor/init/init.h"
#include "supervisor/log/collector.h"
#include "supervisor/os/daemon.h"
#include "supervisor/os/fault.h"
#include "supervisor/os/pid_file.h"
#include "supervisor/os/process.h"
#include "supervisor/os/process_tree.h"
#include "supervisor/os/program.h"
#include "supervisor/os/runtime_dir.h"
#include "supervisor/os/signal_fd.h"
#include "supervisor/os/spawn.h"
#include "supervisor/shell/boot_watch.h"
#include "supervisor/shell/command_line.h"
#include "supervisor/shell/environment.h"
#include "supervisor/shell/prepare.h"
#include "supervisor/shell/supervisor.h"
#include "supervisor/state/handover.h"

namespace {

using namespace reeve;

constexpr int cannot_boot = 1;

/// Init for one command has its whole life here, before main() and before the constructors of the
/// libraries' globals (101 is the earliest that is ours to take). It needs none of them, and they
/// would more than double the memory that a container pays for it.
[[gnu::constructor(101)]] void be_init(int argc, char** argv, char** /*environment*/) {
    if (const auto status = init::run(argc, argv)) _exit(*status);
}

int fail(const Error& error) {
    std::cerr << "reeved: " << error.text() << std::endl;
    return cannot_boot;
}

Result<std::unique_ptr<log::Collector>> start_collector(shell::Setup& setup, shell::OwnLog& log) {
    log::CollectorOptions options{
        .runtime_dir = setup.runtime_dir,
        .log_dir = setup.log_dir,
        .console_fd = STDOUT_FILENO,
        .on_problem = [&log](const std::string& problem) { log.warning(problem); }};
    auto collector = log::Collector::start(options);
    if (collector || setup.needs_runtime_dir || !os::has_no_room(collector.error())) {
        return collector;
    }
    log.warning(collector.error().text() + "; going on without a control socket");
    setup.runtime_dir.clear();
    options.runtime_dir.clear();
    return log::Collector::start(options);
}

/// The program that this process executes, and what the one before it has left to it, if there was
/// one.
struct Own {
    os::Program program;
    std::optional<state::Handover> handover;
    os::Faults faults;  // that programs of this process have had
};

/// `caller`, if there is one, waits to hear how the boot went.
int supervise(const shell::Options& options, const shell::Environment& environment,
              const os::Inherited& inherited, sigset_t signals, Own& own, os::Caller* caller) {
    shell::Former former{own.faults.runtime_dir, {}};
    if (own.handover) former = {own.handover->runtime_dir, Fd(own.handover->lock)};
    auto prepared = shell::prepare(options, environment, signals, std::move(former));
    if (!prepared) return fail(prepared.error());
    shell::Setup& setup = prepared->setup;
    setup.program = &own.program;
    setup.limits = inherited.limits;
    setup.handover = std::move(own.handover);
    setup.faults = own.faults.times;
    own.faults.runtime_dir = setup.runtime_dir;
    if (::getpid() == 1) os::survive_faults(own.program, inherited.limits, own.faults);
    shell::OwnLog& log = *prepared->log;
    if (!setup.faults.empty() && setup.runtime_dir.empty()) {
        os::fell_below(::getpid(), 5s);
        log.error(
            "a fault of reeved, and no runtime directory: whatever ran is ended, and begins anew");
    }
    auto spawner = os::Spawner::create(inherited.limits);
    if (!spawner) return fail(spawner.error());
    auto collector = start_collector(setup, log);
    if (!collector) return fail(collector.error());
    shell::BootWatch boot_watch([&](const shell::BootOutcome& boot) {
        using Then = os::Caller::Then;
        caller->tell(boot.status, boot.text, boot.ending ? Then::End : Then::GoOn);
    });
    if (caller != nullptr) {
        setup.boot_watch = &boot_watch;
        setup.caller = caller->fd();
    }
    if (setup.handover && setup.handover->boot) {
        boot_watch.go_on({setup.handover->boot->started, setup.handover->boot->pending});
    }
    shell::Supervisor supervisor(setup, log, *spawner, **collector);
    setup.plan.reset();  // the engine has it, until a reload brings another
    if (auto opened = supervisor.open(); !opened) return fail(opened.error());
    std::optional<os::PidFile> pid_file;
    if (!options.pid_file.empty()) {
        auto written = os::PidFile::write(options.pid_file);
        if (written) {
            pid_file.emplace(std::move(*written));
        } else if (setup.takes_over) {
            log.error(written.error().text());
        } else {
            return fail(written.error());
        }
    }
    if (caller != nullptr) {
        if (auto closed = os::close_off_stderr(); !closed) return fail(closed.error());
    }
    const int status = supervisor.run();
    // Its thread may still call the supervisor back, so it ends first.
    collector->reset();
    // Whoever waits for us sees our connections end, and may start another one at once.
    pid_file.reset();
    prepared->lock.reset();
    return status;
}

/// In the daemon, where there is a caller.
int run(const shell::Options& options, const shell::Environment& environment, Own& own,
        os::Caller* caller) {
    const sigset_t signals =
        os::signal_set({SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGRTMIN + 3});
    const auto inherited = os::become_supervisor(signals);
    if (!inherited) return fail(inherited.error());
    return supervise(options, environment, *inherited, signals, own, caller);
}

int run_as_daemon(const shell::Options& options, const shell::Environment& environment, Own& own) {
    if (::getpid() == 1) {
        return fail(error("cannot daemonize: process 1 is one already, and all ends with it"));
    }
    auto place = os::daemonize();
    if (!place) return fail(place.error());
    if (const int* status = std::get_if<int>(&*place)) return *status;
    return run(options, environment, own, &std::get<os::Caller>(*place));
}

}  // namespace

int main(int argc, char** argv) {
    Own own{os::Program(argc, argv), {}, os::take_faults()};
    const auto legacy = os::Program::take_legacy();
    auto parsed = shell::parse_command_line(argc, argv);
    if (const int* status = std::get_if<int>(&parsed)) return *status;
    const auto& options = std::get<shell::Options>(parsed);
    const shell::Environment environment = shell::own_environment();
    if (options.check) return shell::check(options, environment);
    if (options.can_resume) return shell::can_resume(options, environment);
    if (legacy) {
        auto handover = state::handover_of(*legacy);
        if (!handover) return fail(handover.error());
        own.handover = std::move(*handover);
        own.faults.times = own.handover->faults;
        std::vector<int> kept = {own.handover->lock};
        for (const auto& client : own.handover->clients) kept.push_back(client.descriptor);
        // A daemon is one already, but its caller may still wait.
        if (options.daemonize) (void)!::chdir("/");
        std::optional<os::Caller> caller;
        if (own.handover->boot) caller.emplace(Fd(own.handover->boot->caller));
        if (caller) kept.push_back(caller->fd());
        os::Program::keep_no_longer(kept);
        return run(options, environment, own, caller ? &*caller : nullptr);
    }
    if (options.daemonize) return run_as_daemon(options, environment, own);
    return run(options, environment, own, nullptr);
}
