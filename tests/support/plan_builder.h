#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/graph.h"
#include "config/plan.h"

/// Plans made in memory, as a test needs them.
namespace reeve::test {

using Names = std::vector<std::string>;

/// One service, described by a chain of calls; without any it is a simple one that is ready at
/// exec and has the loader's defaults, but no jitter.
class Service {
  public:
    explicit Service(std::string name) {
        made.name = std::move(name);
        made.execution.command = {"/bin/" + made.name};
        made.policy.success_exit.codes.set(0);
        made.policy.backoff.jitter = 0;
    }

    Service& needs(Names names) { return made.relations.requires_ = std::move(names), *this; }
    Service& wants(Names names) { return made.relations.wants = std::move(names), *this; }
    Service& after(Names names) { return made.relations.after = std::move(names), *this; }
    Service& before(Names names) { return made.relations.before = std::move(names), *this; }

    Service& binds(Names names) { return made.relations.binds = std::move(names), *this; }
    Service& conflicts(Names names) { return made.relations.conflicts = std::move(names), *this; }

    Service& group() { return made.execution.command.clear(), *this; }
    Service& oneshot() {
        made.execution.type = config::ServiceType::Oneshot;
        made.policy.restart = config::RestartPolicy::Never;
        return *this;
    }
    Service& command(config::Argv argv) { return made.execution.command = std::move(argv), *this; }
    Service& forking(std::string pid_file = "") {
        made.execution.type = config::ServiceType::Forking;
        made.execution.pid_file = std::move(pid_file);
        return *this;
    }
    Service& disabled() { return made.policy.enabled = false, *this; }
    Service& description(std::string text) {
        return made.policy.description = std::move(text), *this;
    }

    Service& notify() { return made.policy.ready = config::Probe{}, *this; }
    Service& probed(Duration interval = 250ms, Duration timeout = 3s) {
        made.policy.ready = config::Probe{config::TcpCheck{"localhost", 80}, interval, timeout};
        return *this;
    }
    Service& ready_by(decltype(config::Probe::check) check) {
        made.policy.ready = config::Probe{std::move(check)};
        return *this;
    }
    Service& health(config::Health health) {
        health.probe.check = config::TcpCheck{"localhost", 80};
        return made.policy.health = std::move(health), *this;
    }
    Service& watchdog(Duration d) { return made.policy.watchdog = d, *this; }
    Service& pre_start(config::Argv argv, std::optional<Duration> timeout = {}) {
        return made.policy.hooks.pre_start.push_back({std::move(argv), timeout}), *this;
    }
    Service& post_start(config::Argv argv, std::optional<Duration> timeout = {}) {
        return made.policy.hooks.post_start.push_back({std::move(argv), timeout}), *this;
    }
    Service& pre_stop(config::Argv argv, std::optional<Duration> timeout = {}) {
        return made.policy.hooks.pre_stop.push_back({std::move(argv), timeout}), *this;
    }
    Service& post_stop(config::Argv argv, std::optional<Duration> timeout = {}) {
        return made.policy.hooks.post_stop.push_back({std::move(argv), timeout}), *this;
    }
    Service& start_timeout(Duration d) { return made.policy.start_timeout = d, *this; }

    Service& restart(config::RestartPolicy policy) { return made.policy.restart = policy, *this; }
    Service& backoff(config::Backoff backoff) { return made.policy.backoff = backoff, *this; }
    Service& limit(int count, Duration within) {
        made.policy.restart_limit = config::RestartLimit{count, within};
        return *this;
    }
    Service& success(int code) { return made.policy.success_exit.codes.set(at(code)), *this; }
    Service& success_signal(int signal) {
        return made.policy.success_exit.signals.set(at(signal)), *this;
    }
    Service& final_exit(int code) {
        return made.policy.restart_prevent_exit.codes.set(at(code)), *this;
    }
    Service& shutdown_on_exit() { return made.policy.on_exit = config::EndAction::Shutdown, *this; }
    Service& shutdown_on_failure() {
        return made.policy.on_failure = config::EndAction::Shutdown, *this;
    }

    Service& stop_signal(int signal) { return made.policy.stop.signal = signal, *this; }
    Service& stop_command(config::Argv argv) {
        return made.policy.stop.command = std::move(argv), *this;
    }
    Service& stop_timeout(Duration d) { return made.policy.stop.timeout = d, *this; }
    Service& stop_tree() { return made.policy.stop.scope = config::StopScope::Tree, *this; }

    Service& leaves_rest() { return made.policy.stop.rest = config::StopRest::Leave, *this; }

    Service& reload() { return made.policy.reload.emplace(), *this; }
    Service& reload_command(config::Argv argv) {
        return reload(), made.policy.reload->command = std::move(argv), *this;
    }
    Service& reload_check(config::Argv argv) {
        if (!made.policy.reload) reload();
        return made.policy.reload->check = std::move(argv), *this;
    }

    config::Service made;

  private:
    static std::size_t at(int number) { return static_cast<std::size_t>(number); }
};

inline config::PlanPtr plan(const std::vector<Service>& services,
                            config::Supervisor supervisor = {}) {
    std::vector<config::Service> made;
    for (const Service& service : services) made.push_back(service.made);
    return config::make_plan(std::move(made), std::move(supervisor));
}

}  // namespace reeve::test
