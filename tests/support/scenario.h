#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/overloaded.h"
#include "base/signal_name.h"
#include "tests/support/engine_watch.h"
#include "tests/support/plan_builder.h"
#include "tests/support/records.h"

namespace reeve::test {

using Lines = std::vector<std::string>;
using Answer = core::ProbeAnswered::Answer;

/// An engine, a fake clock and a world that does what the test says, one event at a time. What the
/// engine wants done is kept as lines ("spawn db", "signal db SIGTERM", "reply 1 db:done") until
/// taken; each event is checked against the rules that always hold.
class Scenario {
  public:
    explicit Scenario(config::PlanPtr plan, std::uint64_t seed = 1)
        : engine_(std::move(plan), seed), watch_(engine_) {}
    Scenario(const std::vector<Service>& services, config::Supervisor supervisor = {})
        : Scenario(test::plan(services, std::move(supervisor))) {}

    // What happens.
    Scenario& event(const core::Event& event) {
        last_.clear();
        const std::vector<core::Action> actions = engine_.handle(event, now_);
        records_.take(engine_);
        for (const std::string& name : records_.outdated(engine_)) {
            ADD_FAILURE() << name << " changed, which was not told";
        }
        for (const std::string& violation : watch_.after(event, actions, now_)) {
            ADD_FAILURE() << violation;
        }
        for (const core::Action& action : actions) note(action);
        return *this;
    }
    Scenario& boot() { return event(core::BootAsked{}); }
    Scenario& spawned(const std::string& name) { return event(core::Spawned{run(name), ++pid_}); }
    Scenario& spawn_fails(const std::string& name, std::string what = "exec /bin/x: no such file",
                          bool not_found = true) {
        return event(core::SpawnFailed{run(name), std::move(what), not_found});
    }
    Scenario& exits(const std::string& name, int code = 0, bool leftovers = false) {
        return event(core::Exited{run(name), ExitStatus::exited(code), leftovers});
    }
    /// While nobody was there; the successor has found out how.
    Scenario& has_exited(const std::string& name, int code, bool leftovers = false) {
        return event(core::Exited{run(name), ExitStatus::exited(code), leftovers, {}, {}, true});
    }
    Scenario& killed(const std::string& name, int signal, bool leftovers = false) {
        return event(core::Exited{run(name), ExitStatus::killed(signal), leftovers});
    }
    Scenario& tree_empties(const std::string& name) { return event(core::TreeEmptied{run(name)}); }
    Scenario& ready(const std::string& name) {
        const auto& readiness = unit(name).policy().ready;
        const bool notify =
            readiness && std::holds_alternative<config::NotifyCheck>(readiness->check);
        if (!notify) return event(core::ReadyReported{run(name)});
        return says({.run = run(name), .ready = true});
    }
    Scenario& says(const core::Notified& message) { return event(message); }
    Scenario& parent_exits(const std::string& name, int code = 0, bool leftovers = true) {
        return event(core::ParentExited{run(name), ExitStatus::exited(code), leftovers});
    }
    Scenario& main_found(const std::string& name) {
        return event(core::MainFound{run(name), ++pid_});
    }
    Scenario& status(const std::string& name, std::string text) {
        return event(core::Notified{.run = run(name), .status = std::move(text)});
    }
    Scenario& probe(const std::string& name, bool yes, std::string what = "connection refused") {
        const Answer answer = yes ? Answer::Yes : Answer::No;
        return event(core::ProbeAnswered{task(name), answer, yes ? "" : std::move(what)});
    }
    Scenario& unasked(const std::string& name, std::string what = "socket: Too many open files") {
        return event(core::ProbeAnswered{task(name), Answer::Unasked, std::move(what)});
    }
    Scenario& command_ends(const std::string& name, bool ok, std::string what = "exit 1") {
        return event(core::CommandEnded{task(name), ok, ok ? "" : std::move(what)});
    }
    Scenario& shutdown() { return event(core::ShutdownAsked{"test"}); }
    Scenario& replace(const std::vector<Service>& services, bool reload = false) {
        return event(core::PlanReplaced{test::plan(services), reload});
    }
    /// Spawned, and ready if it says so itself.
    Scenario& up(const std::string& name) {
        spawned(name);
        const auto& readiness = unit(name).policy().ready;
        if (!readiness) return *this;
        return readiness->is_awaited() ? ready(name) : probe(name, true);
    }
    /// Boots, and all that is spawned comes up; oneshots end well.
    Scenario& boot_up() {
        boot();
        for (bool more = true; more;) {
            more = false;
            Lines starting;
            engine_.units().for_each([&](const core::Unit& unit) {
                if (std::holds_alternative<core::Starting>(unit.state())) {
                    starting.push_back(unit.name());
                }
            });
            for (const std::string& name : starting) {
                more = true;
                up(name);
                if (unit(name).definition->execution.type == config::ServiceType::Oneshot) {
                    exits(name);
                }
            }
        }
        take();
        return *this;
    }

    /// The engine dies, and a successor finds the processes of these services, and the commands of
    /// those.
    Scenario& dies(const Names& alive, const Names& commanding = {}) {
        core::Resumed resumed;
        for (const std::string& name : alive) resumed.runs.push_back(run(name));
        for (const std::string& name : commanding) resumed.commands.push_back(task(name));
        engine_ = records_.successor();
        watch_.succeeded(resumed);
        take();
        return event(resumed);
    }

    // Requests; each has the next number, from 1.
    Scenario& request(core::Verb verb, const Names& names, bool wait = true,
                      std::optional<Duration> timeout = std::nullopt) {
        core::Requested asked{{++last_request_}, verb, ids(names), wait, std::nullopt};
        if (timeout) asked.deadline = now_ + *timeout;
        return event(asked);
    }
    Scenario& start(const Names& names) { return request(core::Verb::Start, names); }
    Scenario& stop(const Names& names) { return request(core::Verb::Stop, names); }
    Scenario& restart(const Names& names) { return request(core::Verb::Restart, names); }
    Scenario& reload(const Names& names) { return request(core::Verb::Reload, names); }
    Scenario& send(const Names& names, int signal,
                   config::StopScope scope = config::StopScope::Main) {
        return event(core::SignalAsked{{++last_request_}, ids(names), signal, scope});
    }
    Scenario& reset(const Names& names) {
        return event(core::ResetAsked{{++last_request_}, ids(names)});
    }
    /// Another plan, which somebody waits for.
    Scenario& apply(const std::vector<Service>& services, bool wait = true,
                    std::optional<Duration> timeout = std::nullopt) {
        core::PlanReplaced replaced{test::plan(services), false, {++last_request_}, wait, {}};
        if (timeout) replaced.deadline = now_ + *timeout;
        return event(replaced);
    }

    // Time.
    Time now() const { return now_; }
    /// Lets time pass; what falls due on the way is told at its moment.
    Scenario& pass(Duration d) {
        const Time end = now_ + d;
        while (engine_.next_deadline() && *engine_.next_deadline() <= end) {
            now_ = std::max(now_, *engine_.next_deadline());
            event(core::DeadlinePassed{});
        }
        now_ = end;
        return *this;
    }
    /// How long until the engine wants to be told of the time, if ever.
    std::optional<Duration> next() const {
        const auto deadline = engine_.next_deadline();
        if (!deadline) return std::nullopt;
        return *deadline - now_;
    }

    // What can be seen.
    const core::Engine& engine() const { return engine_; }
    const core::Unit& unit(const std::string& name) const {
        const core::Unit* found = nullptr;
        engine_.units().for_each([&](const core::Unit& unit) {
            if (unit.name() == name) found = &unit;
        });
        EXPECT_NE(found, nullptr) << name;
        return *found;
    }
    bool knows(const std::string& name) const { return engine_.units().find(name) != nullptr; }
    std::string state(const std::string& name) const {
        return std::string(core::name_of(unit(name).state()));
    }
    std::string cause(const std::string& name) const { return unit(name).cause(); }
    core::ServiceId id(const std::string& name) const { return unit(name).id(); }
    std::vector<core::ServiceId> ids(const Names& names) const {
        std::vector<core::ServiceId> found;
        for (const std::string& name : names) found.push_back(id(name));
        return found;
    }
    core::RunId run(const std::string& name) const { return core::run_of(unit(name).state()); }
    core::TaskId task(const std::string& name) const {
        const std::vector<core::TaskId> tasks = core::tasks_of(unit(name).state());
        return tasks.empty() ? core::TaskId{} : tasks.front();
    }
    std::size_t open_requests() const { return watch_.open_requests().size(); }
    /// What was to be done since the last take, but for announcements.
    Lines take() { return std::exchange(lines_, {}); }
    /// Of that, what the last event led to.
    const Lines& last() const { return last_; }
    /// The states that a service was announced to go into, all of them.
    Lines history(const std::string& name) const {
        const auto found = announced_.find(name);
        return found == announced_.end() ? Lines{} : found->second;
    }

  private:
    std::string of(core::RunId run) {
        const auto found = run_names_.find(run);
        return found == run_names_.end() ? "?" : found->second;
    }
    void line(std::string text) {
        last_.push_back(text);
        lines_.push_back(std::move(text));
    }
    std::string name_of(core::ServiceId id) const {
        const core::Unit* unit = engine_.units().find(id);
        return unit != nullptr ? unit->name() : "?";
    }
    void note(const core::Action& action) {
        using namespace core;
        std::visit(
            Overloaded{
                [&](const Spawn& a) {
                    run_names_[a.run] = a.definition->name;
                    line("spawn " + a.definition->name);
                },
                [&](const Signal& a) {
                    line("signal " + of(a.run) + " " + signal_name(a.signal) +
                         (a.scope == config::StopScope::Tree ? " tree" : ""));
                },
                [&](const KillTree& a) { line("kill " + of(a.run)); },
                [&](const Reap& a) { line("reap " + of(a.run)); },
                [&](const StartProbe& a) {
                    task_names_[a.task] = of(a.run);
                    line("probe " + of(a.run));
                },
                [&](const FindMain& a) { line("find main of " + of(a.run)); },
                [&](const RunCommand& a) {
                    run_names_[a.run] = a.definition->name;
                    task_names_[a.task] = a.definition->name;
                    line("run " + a.definition->name + " " + a.command.front() +
                         (a.as_root ? " as root" : ""));
                    variables_ = a.environment;
                },
                [&](const CancelTask& a) { line("cancel " + task_names_[a.task]); },
                [&](const EndTask& a) {
                    const bool at_once = a.patience <= Duration::zero();
                    line((at_once ? "kill task of " : "end task of ") + task_names_[a.task]);
                },
                [&](const Touches& a) {
                    std::string text = a.verb == Verb::Start ? "touches to start" : "touches";
                    for (const auto& touched : a.services) {
                        text += " " + name_of(touched.id) + "<" + name_of(touched.reason);
                    }
                    line(text);
                },
                [&](const Reply& a) {
                    std::string text = "reply " + std::to_string(a.request.value);
                    for (const Outcome& o : a.outcomes) {
                        const char* const kinds[] = {"done", "failed", "not running", "timed out"};
                        text += " " + o.name + ":" + kinds[static_cast<std::size_t>(o.kind)];
                        causes_[a.request.value] = o.cause;
                    }
                    line(text);
                },
                [&](const Announce& a) {
                    if (a.from != a.to) announced_[a.name].emplace_back(a.to);
                },
                [&](const AnnounceShutdown& a) { shutdown_cause_ = a.cause; },
                [&](const Forget& a) { line("forget " + a.name); },
                [&](const Finish& a) {
                    std::string text = "finish " + std::to_string(a.status);
                    for (const std::string& name : a.survivors) text += " " + name;
                    line(text);
                },
            },
            action);
    }

  public:
    const std::string& shutdown_cause() const { return shutdown_cause_; }
    /// What the last command has in its environment beside what all of them have.
    Lines variables() const {
        Lines lines;
        for (const auto& [name, value] : variables_) lines.push_back(name + "=" + value);
        return lines;
    }
    /// The cause that a request's last outcome told.
    std::string told(std::uint64_t request) { return causes_[request]; }

  private:
    Time now_{1h};
    core::Engine engine_;
    EngineWatch watch_;
    Records records_;
    int pid_ = 100;
    std::uint64_t last_request_ = 0;
    Lines lines_, last_;
    std::map<core::RunId, std::string> run_names_;
    std::map<core::TaskId, std::string> task_names_;
    std::map<std::string, Lines> announced_;
    std::map<std::uint64_t, std::string> causes_;
    std::string shutdown_cause_;
    std::vector<std::pair<std::string, std::string>> variables_;
};

}  // namespace reeve::test
