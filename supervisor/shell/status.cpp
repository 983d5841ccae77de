#include "supervisor/shell/status.h"

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/nearest.h"
#include "base/overloaded.h"
#include "config/instances.h"
#include "supervisor/shell/clock.h"

namespace reeve::shell {

namespace {

/// Each of them is held against every service.
constexpr std::size_t most_patterns = 100;

bool in_group(const core::Unit& unit, std::string_view group) {
    const auto& groups = unit.policy().groups;
    return std::find(groups.begin(), groups.end(), group) != groups.end();
}

std::optional<std::string> nearest_name(const core::Units& units, const std::string& name) {
    std::set<std::string> candidates;
    units.for_each([&](const core::Unit& unit) {
        if (name.starts_with('@')) {
            for (const std::string& group : unit.policy().groups) {
                candidates.insert(std::string(1, '@').append(group));
            }
        } else {
            candidates.insert(unit.name());
            candidates.insert(std::string(config::base_of(unit.name())));
        }
    });
    return nearest(name, candidates);
}

std::string_view type_name(config::ServiceType type) {
    switch (type) {
        case config::ServiceType::Simple:
            return "simple";
        case config::ServiceType::Oneshot:
            return "oneshot";
        case config::ServiceType::Forking:
            return "forking";
    }
    return "";
}

bool is_ready(const core::Unit& unit) {
    return std::holds_alternative<core::Running>(unit.state()) ||
           std::holds_alternative<core::Reloading>(unit.state()) ||
           (std::holds_alternative<core::Done>(unit.state()) &&
            unit.definition->execution.type == config::ServiceType::Oneshot);
}

void add_processes(protocol::ServiceStatus& status, const std::vector<os::ProcessEntry>& processes,
                   const protocol::StatusQuery& query) {
    if (query.resources) {
        const os::TreeUsage usage = os::tree_usage(processes);
        status.memory = usage.rss;
        status.cpu = usage.cpu;
        status.tasks = static_cast<std::uint64_t>(usage.tasks);
    }
    if (!query.processes) return;
    status.processes.emplace();
    for (const os::ProcessEntry& process : processes) {
        status.processes->push_back(
            {process.pid, process.ppid, os::command_line(process), std::string(1, process.state)});
    }
}

std::optional<protocol::Tracking> tracking_of(const std::optional<Tracking>& tracking) {
    if (!tracking) return std::nullopt;
    protocol::Tracking told;
    switch (tracking->by) {
        case Tracking::By::Cgroup:
            told.by = "cgroup";
            break;
        case Tracking::By::Subreaper:
            told.by = "subreaper";
            break;
        case Tracking::By::Marks:
            told.by = "marks";
            break;
    }
    if (!tracking->cgroup.empty()) told.cgroup = tracking->cgroup;
    if (!tracking->why.empty()) told.why = tracking->why;
    return told;
}

protocol::ServiceStatus describe(const core::Unit& unit, Time now, WallTime wall) {
    protocol::ServiceStatus status;
    status.name = unit.name();
    status.description = unit.policy().description;
    status.type = type_name(unit.definition->execution.type);
    status.state = state_of(unit);
    status.cause = cause_of(unit, now);
    status.ready = is_ready(unit);
    status.enabled = unit.policy().enabled;
    status.groups = unit.policy().groups;
    if (unit.since() != Time{}) status.since = wall - (now - unit.since());
    if (unit.pid) {
        status.pid = *unit.pid;
        status.uptime = now - unit.started;
    }
    status.restarts = static_cast<std::uint64_t>(unit.history.restarts);
    status.last_exit = last_exit_of(unit, now, wall);
    if (!unit.status_text.empty()) status.status_text = unit.status_text;
    if (unit.alive() && !unit.unhealthy.empty()) status.unhealthy = unit.unhealthy;
    return status;
}

}  // namespace

boost::system::result<std::vector<core::ServiceId>, protocol::Refusal> select(
    const core::Units& units, const std::vector<std::string>& names) {
    std::set<std::pair<std::string_view, core::ServiceId>> selected;
    const auto take = [&](const core::Unit& unit) { selected.emplace(unit.name(), unit.id()); };
    if (names.empty()) units.for_each(take);
    std::set<std::string_view> patterns;
    for (const std::string& name : names) {
        if (const core::Unit* unit = units.find(name)) {
            take(*unit);
        } else {
            patterns.insert(name);
        }
    }
    if (patterns.size() > most_patterns) {
        return protocol::Refusal{
            {},
            {protocol::ErrorCode::InvalidParams,
             "more than " + std::to_string(most_patterns) + " globs and groups in one request",
             {},
             {}}};
    }
    for (const std::string_view pattern : patterns) {
        const std::string name(pattern);
        bool matched = false;
        units.for_each([&](const core::Unit& unit) {
            const bool matches = name.starts_with('@')
                                     ? in_group(unit, pattern.substr(1))
                                     : config::is_instance_of(unit.name(), pattern) ||
                                           ::fnmatch(name.c_str(), unit.name().c_str(), 0) == 0;
            if (!matches) return;
            matched = true;
            take(unit);
        });
        if (!matched) {
            return protocol::Refusal{{},
                                     protocol::no_such_service(name, nearest_name(units, name))};
        }
    }
    std::vector<core::ServiceId> ids;
    for (const auto& [name, id] : selected) ids.push_back(id);
    return ids;
}

protocol::StatusDocument describe(const core::Engine& engine, Runs& runs,
                                  const SupervisorInfo& info,
                                  const std::vector<core::ServiceId>& services,
                                  const protocol::StatusQuery& query, Time now) {
    protocol::StatusDocument document;
    document.supervisor = {info.version,       ::getpid(),       engine.shutting_down(),
                           now - info.started, info.runtime_dir, info.config};
    const WallTime wall = wall_now();
    document.services.reserve(services.size());
    for (const core::ServiceId id : services) {
        const core::Unit& unit = *engine.units().find(id);
        document.services.push_back(describe(unit, now, wall));
        document.services.back().log = log_trouble_of(unit, runs);
        const core::RunId run = core::run_of(unit.state());
        if (!run) continue;
        document.services.back().tracking = tracking_of(runs.tracking(run));
        if (!query.resources && !query.processes) continue;
        add_processes(document.services.back(), runs.processes(run), query);
    }
    return document;
}

protocol::State state_of(const core::Unit& unit) {
    using protocol::State;
    return std::visit(Overloaded{
                          [](const core::Stopped&) { return State::Stopped; },
                          [](const core::Waiting&) { return State::Waiting; },
                          [](const core::Starting&) { return State::Starting; },
                          [](const core::Running&) { return State::Running; },
                          [](const core::Reloading&) { return State::Reloading; },
                          [](const core::Stopping&) { return State::Stopping; },
                          [](const core::Backoff&) { return State::Backoff; },
                          [](const core::Failed&) { return State::Failed; },
                          [](const core::Done&) { return State::Done; },
                      },
                      unit.state());
}

protocol::Verb verb_of(core::Verb verb) {
    switch (verb) {
        case core::Verb::Stop:
            return protocol::Verb::Stop;
        case core::Verb::Restart:
            return protocol::Verb::Restart;
        case core::Verb::Reload:
            return protocol::Verb::Reload;
        case core::Verb::Start:
        case core::Verb::AwaitReady:
        case core::Verb::AwaitStopped:
        case core::Verb::AwaitFailed:
        case core::Verb::AwaitDone:
        case core::Verb::Apply:
            return protocol::Verb::Start;
    }
    return protocol::Verb::Start;
}

core::Verb verb_of(protocol::Verb verb) {
    switch (verb) {
        case protocol::Verb::Start:
            return core::Verb::Start;
        case protocol::Verb::Stop:
            return core::Verb::Stop;
        case protocol::Verb::Restart:
            return core::Verb::Restart;
        case protocol::Verb::Reload:
            return core::Verb::Reload;
    }
    return core::Verb::Start;
}

std::vector<protocol::Step> steps_of(const core::Rehearsal& rehearsal) {
    const auto kind_of = [](core::RehearsedStep::Kind kind) {
        switch (kind) {
            case core::RehearsedStep::Kind::Stop:
                return protocol::Step::Kind::Stop;
            case core::RehearsedStep::Kind::Start:
                return protocol::Step::Kind::Start;
            case core::RehearsedStep::Kind::Reload:
                return protocol::Step::Kind::Reload;
            case core::RehearsedStep::Kind::Remove:
                return protocol::Step::Kind::Remove;
        }
        return protocol::Step::Kind::Start;
    };
    std::vector<protocol::Step> steps;
    for (const core::RehearsedStep& step : rehearsal.steps) {
        steps.push_back({step.service, kind_of(step.kind), step.cause});
    }
    return steps;
}

std::optional<protocol::LastExit> last_exit_of(const core::Unit& unit, Time now, WallTime wall) {
    if (!unit.last_exit) return std::nullopt;
    const core::LastExit& last = *unit.last_exit;
    protocol::LastExit told{last.status, wall - (now - last.at), {}};
    if (!last.unseen) told.ran = last.ran;
    return told;
}

std::optional<protocol::LogTrouble> log_trouble_of(const core::Unit& unit, const Runs& runs) {
    const auto found = runs.log_trouble(unit.name());
    if (!found) return std::nullopt;
    protocol::LogTrouble told{{}, {}, found->waiting, found->lost, found->over_rate};
    if (!found->problem.empty()) {
        told.problem = found->problem;
        told.since = found->since;
    } else if (told.lost == 0 && told.over_rate == 0) {
        return std::nullopt;
    }
    return told;
}

std::string cause_of(const core::Unit& unit, Time now) {
    const auto* backoff = std::get_if<core::Backoff>(&unit.state());
    if (backoff == nullptr) return unit.cause();
    return unit.cause() + "; next start in " + in_words(std::max(backoff->until - now, Duration{}));
}

}  // namespace reeve::shell
