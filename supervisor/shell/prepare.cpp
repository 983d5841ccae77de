#include "supervisor/shell/prepare.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iostream>

#include "config/check_report.h"
#include "config/load.h"
#include "config/own_log.h"
#include "config/places.h"
#include "supervisor/log/collector.h"
#include "supervisor/log/log_file.h"
#include "supervisor/os/runtime_dir.h"
#include "supervisor/shell/upgrade.h"
#include "supervisor/shell/version.h"
#include "supervisor/state/recorder.h"

namespace reeve::shell {

namespace {

config::LoadOptions load_options(const Options& options, const Environment& environment,
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

struct Place {
    std::string path;
    bool by_name = false;  ///< somebody asked for it
};

/// Finds the places that flags, environment, YAML and table name.
class Finder {
  public:
    Finder(const Options& options, const Environment& environment, const config::Supervisor& yaml,
           const config::Places& table)
        : options_(options), environment_(environment), yaml_(yaml), table_(table) {}

    Place runtime_dir() const {
        return find(options_.runtime_dir, "REEVE_RUNTIME_DIR", yaml_.runtime_dir,
                    table_.runtime_dir);
    }
    Place log_dir() const {
        return find(options_.log_dir, "REEVE_LOG_DIR", yaml_.log_dir, table_.log_dir);
    }
    Place state_dir() const {
        return find(options_.state_dir, "REEVE_STATE_DIR", yaml_.state_dir, table_.state_dir);
    }

  private:
    Place find(const std::string& flag, const char* variable, const std::string& yaml,
               const std::string& table) const {
        std::string named = config::choose_place(flag, environment_, variable, yaml, "");
        if (named.empty()) return {table, false};
        return {std::move(named), true};
    }

    const Options& options_;
    const Environment& environment_;
    const config::Supervisor& yaml_;
    const config::Places& table_;
};

/// A daemon's stderr leads nowhere, so its log goes to a file, where one can be had.
Result<std::unique_ptr<OwnLog>> open_log(Setup& setup) {
    const auto open = [&](const std::string& default_file) {
        setup.options.default_log_file = default_file;
        setup.settings.log = setup.plan->supervisor.log;
        apply(setup.options, setup.settings);
        return OwnLog::open(setup.settings.log, setup.options.daemonize ? OwnLog::Echo::Warnings
                                                                        : OwnLog::Echo::Nothing);
    };
    if (!setup.options.daemonize) return open("");
    const std::string file = setup.log_dir + "/supervisor.log";
    log::LogFile::make_directories(setup.log_dir);
    auto log = open(file);
    if (log || setup.settings.log.file != file) return log;
    const Error missing = log.error();
    log = open("");
    if (log) (*log)->warning(missing.text() + "; once up, the supervisor cannot say anything");
    return log;
}

/// For one that must go on.
Result<std::unique_ptr<OwnLog>> open_log_elsewhere(Setup& setup, const Error& missing) {
    setup.settings.log.file.clear();
    auto log = OwnLog::open(setup.settings.log);
    if (log) (*log)->error(missing.text() + "; going on on stderr");
    return log;
}

Result<Fd> take_runtime_dir(const std::string& path) {
    if (auto made = os::make_private_dir(path); !made) return made.error();
    auto taken = os::lock_file(path + "/lock");
    if (taken || taken.error().errnum) return taken;
    return error(taken.error().text() +
                 ": another reeved is at work there; end it, or give this one a --runtime-dir");
}

/// Whether a file could be made or written there. Changes nothing.
Result<> can_write(const std::string& what, const std::string& path) {
    if (::access(path.c_str(), W_OK) == 0) return {};
    const std::string folder = path.substr(0, path.rfind('/') + 1);
    if (errno == ENOENT && ::access(folder.c_str(), W_OK | X_OK) == 0) return {};
    return system_error("cannot open " + what + " " + path);
}

/// Whether a supervisor with this configuration could begin.
Result<> has_places(const Options& options, const Finder& finder, config::Supervisor settings) {
    apply(options, settings);
    const std::string& log = settings.log.file;
    if (!log.empty() && log != config::kSyslog) {
        if (auto can = can_write("the log file", log); !can) return can;
    }
    if (!settings.socket.path.empty()) {
        if (auto can = can_write("the control socket", settings.socket.path); !can) return can;
    }
    const Place state = finder.state_dir();
    return state.by_name ? os::make_private_dir(state.path) : Result<>();
}

/// The plan by which a predecessor acted whose configuration was where ours is.
Result<config::PlanPtr> former_plan(const std::string& runtime_dir,
                                    const std::vector<std::string>& paths) {
    auto plan = state::former_plan(runtime_dir + "/state");
    if (!plan) return plan;
    const std::vector<std::string>& files = (*plan)->files;
    const bool ours = std::any_of(paths.begin(), paths.end(), [&](const std::string& path) {
        return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
            return file == path || file.starts_with(path + "/");
        });
    });
    if (!ours && !files.empty()) return error("it had another configuration");
    return plan;
}

/// A daemon has no console: what services would write there alone is lost.
void warn_of_lost_output(const config::Plan& plan, OwnLog& log) {
    for (const config::ServicePtr& service : plan.services) {
        const config::Log& to = service->policy.log;
        const bool console_alone =
            to.kind == config::Log::Kind::Capture && to.to_console && !to.to_file && !to.to_syslog;
        if (!console_alone && to.kind != config::Log::Kind::Inherit) continue;
        log.warning(service->name + " logs to " +
                    (console_alone ? "the console" : "the supervisor's own output") +
                    ", which a daemon does not have: that is lost");
    }
}

}  // namespace

Result<Prepared> prepare(const Options& options, const Environment& environment,
                         const sigset_t& signals, Former former) {
    const config::Places places = config::places_of(::geteuid(), environment);
    Prepared prepared;
    Setup& setup = prepared.setup;
    setup.options = options;
    setup.environment = environment;
    setup.signals = signals;
    setup.load = load_options(options, environment, places);
    {
        config::LoadResult loaded = config::load(setup.load);
        std::cerr << config::check_report(loaded).problems << std::flush;
        setup.plan = std::move(loaded.plan);
        // A folder that is empty may be one that is about to be filled.
        if (!setup.plan || setup.plan->files.empty()) {
            const Finder finder(options, environment, loaded.settings, places);
            if (former.runtime_dir.empty()) former.runtime_dir = finder.runtime_dir().path;
            auto plan = former_plan(former.runtime_dir, setup.load.paths);
            if (!plan && !setup.plan) return error("cannot boot: the configuration is not valid");
            if (plan) {
                setup.refused = setup.plan ? "there is no file" : "it is not valid";
                setup.plan = std::move(*plan);
            }
        }
    }
    // The text of the configuration and its tree are gone; what they took would stay ours for ever.
    ::malloc_trim(0);
    setup.settings = setup.plan->supervisor;
    const Finder finder(options, environment, setup.plan->supervisor, places);
    setup.log_dir = finder.log_dir().path;
    const Place runtime = finder.runtime_dir();
    // Who takes over goes on, whatever has become of its places: what runs has nobody else.
    setup.takes_over = former.lock || ::access((runtime.path + "/state").c_str(), F_OK) == 0;
    auto log = open_log(setup);
    if (!log && setup.takes_over) log = open_log_elsewhere(setup, log.error());
    if (!log) return log.error();
    prepared.log = std::move(*log);
    if (options.daemonize) warn_of_lost_output(*setup.plan, *prepared.log);

    setup.needs_runtime_dir = runtime.by_name || !setup.settings.socket.path.empty();
    if (auto taken =
            former.lock ? Result<Fd>(std::move(former.lock)) : take_runtime_dir(runtime.path)) {
        setup.runtime_dir = runtime.path;
        prepared.lock = std::move(*taken);
        setup.lock = prepared.lock.get();
    } else if (setup.needs_runtime_dir || !os::has_no_room(taken.error())) {
        return taken.error();
    } else {
        prepared.log->warning(taken.error().text() + "; going on without a control socket");
    }
    const Place state = finder.state_dir();
    if (auto made = os::make_private_dir(state.path)) {
        setup.state_dir = state.path;
    } else if (state.by_name && !setup.takes_over) {
        return made.error();
    } else {
        prepared.log->warning(made.error().text() +
                              "; nothing will be remembered beyond this boot");
    }
    return prepared;
}

int can_resume(const Options& options, const Environment& environment) {
    const config::Places places = config::places_of(::geteuid(), environment);
    const config::LoadResult loaded = config::load(load_options(options, environment, places));
    if (!loaded.plan) {
        std::cerr << config::check_report(loaded).problems << "the configuration is not valid"
                  << std::endl;
        return 1;
    }
    const Finder finder(options, environment, loaded.plan->supervisor, places);
    if (auto has = has_places(options, finder, loaded.plan->supervisor); !has) {
        std::cerr << has.error().text() << std::endl;
        return 1;
    }
    const auto services = state::can_resume(finder.runtime_dir().path + "/state");
    if (!services) {
        std::cerr << services.error().text() << std::endl;
        return 1;
    }
    if (auto logs = log::Collector::can_take_over(finder.runtime_dir().path); !logs) {
        std::cerr << logs.error().text() << std::endl;
        return 1;
    }
    std::cout << "reeved " << version << " " << can_take_over << *services
              << (*services == 1 ? " service" : " services") << std::endl;
    return 0;
}

int check(const Options& options, const Environment& environment) {
    const config::Places places = config::places_of(::geteuid(), environment);
    const config::LoadResult loaded = config::load(load_options(options, environment, places));
    const config::CheckReport report = config::check_report(loaded);
    std::cerr << report.problems << std::flush;
    std::cout << report.summary << std::flush;
    return report.valid ? 0 : 1;
}

}  // namespace reeve::shell
