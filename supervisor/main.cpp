#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "config/check_report.h"
#include "config/load.h"
#include "config/places.h"
#include "supervisor/log/collector.h"
#include "supervisor/os/process.h"
#include "supervisor/os/runtime_dir.h"
#include "supervisor/os/signal_fd.h"
#include "supervisor/os/spawn.h"
#include "supervisor/shell/command_line.h"
#include "supervisor/shell/environment.h"
#include "supervisor/shell/own_log.h"
#include "supervisor/shell/supervisor.h"

namespace {

using namespace reeve;

constexpr int cannot_boot = 1;

int fail(const Error& error) {
    std::cerr << "reeved: " << error.text() << '\n';
    return cannot_boot;
}

config::LoadOptions load_options(const shell::Options& options,
                                 const shell::Environment& environment,
                                 const config::Places& places) {
    config::LoadOptions load;
    load.environment = environment;
    load.as_pid1 = ::getpid() == 1;
    load.paths = options.config;
    if (load.paths.empty()) {
        if (const auto named = environment.find("REEVE_CONFIG");
            named != environment.end() && !named->second.empty()) {
            load.paths = {named->second};
        }
    }
    if (load.paths.empty()) {
        load.paths = places.config;
        load.paths_may_be_missing = true;
    }
    return load;
}

/// Who holds the runtime directory holds the supervisor's place; empty when none can be had.
struct RuntimeDir {
    std::string path;
    Fd lock;
};

Result<RuntimeDir> take_runtime_dir(const std::string& path, bool asked_for, shell::OwnLog& log) {
    auto made = os::make_private_dir(path);
    if (!made) {
        if (asked_for || (made.error().errnum != EROFS && made.error().errnum != EACCES)) {
            return made.error();
        }
        log.warning(made.error().text() + "; going on without a control socket");
        return RuntimeDir{};
    }
    auto lock = os::lock_file(path + "/lock");
    if (!lock) return lock.error();
    return RuntimeDir{path, std::move(*lock)};
}

int supervise(const shell::Options& options, const os::Inherited& inherited, sigset_t signals) {
    const shell::Environment environment = shell::own_environment();
    const config::Places places = config::places_of(::geteuid(), environment);
    shell::Setup setup;
    setup.signals = signals;
    setup.environment = environment;
    setup.load = load_options(options, environment, places);
    config::LoadResult loaded = config::load(setup.load);
    const config::CheckReport report = config::check_report(loaded);
    std::cerr << report.problems << std::flush;
    if (options.check) {
        std::cout << report.summary << std::endl;
        return report.valid ? 0 : 1;
    }
    if (!loaded.plan) return fail(error("cannot boot: the configuration is not valid"));
    setup.plan = std::move(loaded.plan);
    setup.options = options;
    setup.settings = setup.plan->supervisor;
    shell::apply(options, setup.settings);
    // The text of the configuration and its tree are gone; what they took would stay ours for ever.
    ::malloc_trim(0);
    auto log = shell::OwnLog::open(setup.settings.log);
    if (!log) return fail(log.error());
    const auto place = [&](const std::string& flag, const char* variable, const std::string& yaml,
                           const std::string& table) {
        return config::choose_place(flag, environment, variable, yaml, table);
    };
    const std::string runtime_dir = place(options.runtime_dir, "REEVE_RUNTIME_DIR",
                                          setup.settings.runtime_dir, places.runtime_dir);
    auto runtime = take_runtime_dir(runtime_dir, runtime_dir != places.runtime_dir, **log);
    if (!runtime) return fail(runtime.error());
    setup.runtime_dir = runtime->path;
    setup.log_dir = place(options.log_dir, "REEVE_LOG_DIR", setup.settings.log_dir, places.log_dir);
    const std::string state_dir =
        place(options.state_dir, "REEVE_STATE_DIR", setup.settings.state_dir, places.state_dir);
    if (auto made = os::make_private_dir(state_dir); !made) {
        if (state_dir != places.state_dir) return fail(made.error());
        (*log)->warning(made.error().text() + "; nothing will be remembered beyond this boot");
    } else {
        setup.state_dir = state_dir;
    }
    auto spawner = os::Spawner::create(inherited.limits);
    if (!spawner) return fail(spawner.error());
    auto collector = log::Collector::start(
        {.runtime_dir = setup.runtime_dir,
         .log_dir = setup.log_dir,
         .console_fd = STDOUT_FILENO,
         .on_problem = [&log](const std::string& problem) { (*log)->warning(problem); }});
    if (!collector) return fail(collector.error());
    shell::Supervisor supervisor(setup, **log, *spawner, **collector);
    setup.plan.reset();  // the engine has it, until a reload brings another
    if (auto opened = supervisor.open(); !opened) return fail(opened.error());
    const int status = supervisor.run();
    // Its thread may still call the supervisor back, so it ends first.
    collector->reset();
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    auto parsed = shell::parse_command_line(argc, argv);
    if (const int* status = std::get_if<int>(&parsed)) return *status;
    const auto& options = std::get<shell::Options>(parsed);
    const sigset_t signals =
        os::signal_set({SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGRTMIN + 3});
    const auto inherited = os::become_supervisor(signals);
    if (!inherited) return fail(inherited.error());
    return supervise(options, *inherited, signals);
}
