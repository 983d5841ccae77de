#include "supervisor/shell/explanation.h"

#include <algorithm>

#include "base/overloaded.h"
#include "supervisor/core/explain.h"
#include "supervisor/shell/clock.h"
#include "supervisor/shell/status.h"

namespace reeve::shell {

namespace {

/// Until it has had all the time that it gets in its state.
std::optional<Duration> time_left(const core::Engine& engine, const core::State& state, Time now) {
    auto until = std::visit(Overloaded{
                                [](const auto&) { return std::optional<Time>(); },
                                [](const core::Starting& s) { return s.deadline; },
                                [](const core::Reloading& s) { return std::optional(s.deadline); },
                                [](const core::Stopping& s) { return s.deadline; },
                            },
                            state);
    if (!until) return std::nullopt;
    // At the end of a shutdown's patience, whatever is left is killed.
    until = std::min(*until, engine.shutdown_deadline().value_or(*until));
    return std::max(*until - now, Duration{});
}

protocol::Link link_of(const core::Engine& engine, const core::Reason& reason, Time now,
                       WallTime wall) {
    const core::Unit& unit = *engine.units().find(reason.service);
    protocol::Link link;
    link.service = unit.name();
    link.relation = reason.relation;
    link.state = state_of(unit);
    link.cause = cause_of(unit, now);
    if (unit.since() != Time{}) link.since = wall - (now - unit.since());
    if (const auto* backoff = std::get_if<core::Backoff>(&unit.state())) {
        link.next_start = std::max(backoff->until - now, Duration{});
    }
    link.deadline = time_left(engine, unit.state(), now);
    link.last_exit = last_exit_of(unit, now, wall);
    for (const core::Reason& one : reason.because) {
        link.because.push_back(link_of(engine, one, now, wall));
    }
    return link;
}

std::vector<std::string> names_of(const core::Units& units,
                                  const std::vector<core::ServiceId>& services) {
    std::vector<std::string> names;
    for (const core::ServiceId id : services) names.push_back(units.find(id)->name());
    return names;
}

protocol::FailureRecord record_of(const std::string& service, const core::FailureNote& note,
                                  Time now, WallTime wall) {
    const core::RunResult& result = note.result;
    protocol::FailureRecord record;
    record.service = service;
    record.cause = note.cause;
    // One that hangs before its command has no end of its own.
    if (result.at >= note.started) record.at = wall - (now - result.at);
    record.started = wall - (now - note.started);
    if (!result.executed) return record;
    record.code = result.status.code;
    record.signal = result.status.signal;
    record.core = result.status.core;
    record.unseen = result.unseen;
    if (!result.unseen) record.ran = result.at - note.started;
    if (result.usage) {
        record.cpu_user = result.usage->user;
        record.cpu_system = result.usage->system;
        record.max_rss = result.usage->max_rss;
    }
    record.out_of_memory = result.out_of_memory;
    return record;
}

/// The runs that are known of one service, oldest first; the present one has no end.
std::vector<core::EndedRun> known_runs(const core::Unit& unit) {
    std::vector<core::EndedRun> runs = unit.ended_runs;
    if (core::run_of(unit.state())) {
        runs.push_back({unit.started, Time::max(), ExitStatus::unknown(), unit.run_pid});
    }
    return runs;
}

protocol::RunRecord record_of(const std::string& service, const core::EndedRun& run, Time now,
                              WallTime wall) {
    protocol::RunRecord record;
    record.service = service;
    record.pid = run.pid;
    record.started = wall - (now - run.started);
    if (run.ended != Time::max()) record.ended = wall - (now - run.ended);
    record.code = run.status.code;
    record.signal = run.status.signal;
    record.core = run.status.core;
    return record;
}

}  // namespace

protocol::Explanation explain(const core::Engine& engine, const Runs& runs, const core::Unit& unit,
                              Time now) {
    const core::Units& units = engine.units();
    protocol::Explanation explanation;
    explanation.link = link_of(engine, core::reason_of(units, unit), now, wall_now());
    explanation.wanted = unit.goal == core::Goal::Up;
    explanation.enabled = unit.policy().enabled;
    explanation.waiting = names_of(units, core::waiting_for(units, unit));
    explanation.dependents = names_of(units, core::dependents_of(units, unit));
    explanation.log = log_trouble_of(unit, runs);
    if (explanation.log && !explanation.log->problem) explanation.log.reset();
    return explanation;
}

protocol::Failures failures_of(const core::Units& units,
                               const std::vector<core::ServiceId>& services, Time now) {
    protocol::Failures failures;
    const WallTime wall = wall_now();
    for (const core::ServiceId id : services) {
        const core::Unit& unit = *units.find(id);
        for (const core::FailureNote& note : unit.failures) {
            failures.failures.push_back(record_of(unit.name(), note, now, wall));
        }
    }
    const auto when = [](const protocol::FailureRecord& one) {
        return one.at ? one.at : one.started;
    };
    std::stable_sort(failures.failures.begin(), failures.failures.end(),
                     [&](const auto& a, const auto& b) { return when(a) < when(b); });
    return failures;
}

protocol::Runs runs_of(const core::Units& units, const std::vector<core::ServiceId>& services,
                       std::optional<int> run, Time now) {
    protocol::Runs answer;
    const WallTime wall = wall_now();
    for (const core::ServiceId id : services) {
        const core::Unit& unit = *units.find(id);
        const auto runs = known_runs(unit);
        for (std::size_t i = 0; i < runs.size(); ++i) {
            const int number = static_cast<int>(i + 1) - static_cast<int>(runs.size());
            if (run && *run != number) continue;
            answer.runs.push_back(record_of(unit.name(), runs[i], now, wall));
            answer.runs.back().run = number;
        }
    }
    return answer;
}

}  // namespace reeve::shell
