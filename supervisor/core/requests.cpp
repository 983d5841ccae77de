#include "supervisor/core/requests.h"

#include <algorithm>

#include "base/overloaded.h"

namespace reeve::core {

namespace {

using Kind = Outcome::Kind;
using Progress = std::optional<Kind>;

Progress progress_of_start(const Unit& unit) {
    if (unit.cycle || unit.halting) return std::nullopt;
    return std::visit(
        Overloaded{
            [&](const Stopped&) -> Progress {
                return unit.goal == Goal::Up ? std::nullopt : Progress(Kind::Failed);
            },
            [](const Waiting& s) { return s.stuck ? Progress(Kind::Failed) : std::nullopt; },
            [](const Starting&) -> Progress { return std::nullopt; },
            [](const Running&) -> Progress { return Kind::Done; },
            [](const Reloading&) -> Progress { return Kind::Done; },
            [](const Stopping&) -> Progress { return std::nullopt; },
            [](const Backoff&) -> Progress { return Kind::Failed; },
            [](const Failed&) -> Progress { return Kind::Failed; },
            [](const Done&) -> Progress { return Kind::Done; },
        },
        unit.state());
}

Progress progress_of_stop(const Unit& unit) {
    if (unit.goal == Goal::Up) return Kind::Failed;  // somebody wants it up again
    if (unit.alive() || std::holds_alternative<Waiting>(unit.state()) ||
        std::holds_alternative<Backoff>(unit.state())) {
        return std::nullopt;
    }
    return Kind::Done;
}

/// A service that will not be what is awaited unless somebody makes it so has failed to be it; one
/// that is down may be started at any moment.
Progress progress_of_await(const Unit& unit, Verb verb) {
    const bool failed = std::holds_alternative<Failed>(unit.state());
    const bool done = std::holds_alternative<Done>(unit.state());
    const bool down = unit.goal == Goal::Down && !unit.alive();
    if (verb == Verb::AwaitReady && is_satisfied(unit)) return Kind::Done;
    if (verb == Verb::AwaitFailed && failed) return Kind::Done;
    if (verb == Verb::AwaitDone && done) return Kind::Done;
    if (verb == Verb::AwaitStopped) return down ? Progress(Kind::Done) : std::nullopt;
    if (failed || done || (down && unit.removed)) return Kind::Failed;
    return std::nullopt;
}

Progress progress_of_apply(const Unit& unit) {
    if (unit.goal == Goal::Up) return progress_of_start(unit);
    return unit.alive() ? std::nullopt : Progress(Kind::Done);
}

}  // namespace

std::optional<Outcome::Kind> progress(const Unit& unit, Verb verb) {
    switch (verb) {
        case Verb::Start:
        case Verb::Restart:
            return progress_of_start(unit);
        case Verb::Stop:
            return progress_of_stop(unit);
        case Verb::Reload:
            // Entered by the reload itself; here only what cuts it short.
            if (std::holds_alternative<Reloading>(unit.state())) return std::nullopt;
            return Kind::Failed;
        case Verb::AwaitReady:
        case Verb::AwaitStopped:
        case Verb::AwaitFailed:
        case Verb::AwaitDone:
            return progress_of_await(unit, verb);
        case Verb::Apply:
            return progress_of_apply(unit);
    }
    return std::nullopt;
}

Outcome outcome_of(const Unit& unit, Outcome::Kind kind) {
    return Outcome{unit.id(), unit.name(), kind, std::string(name_of(unit.state())), unit.cause()};
}

void Requests::open(const Requested& request) {
    if (!request.request) return;
    OpenRequest open{request, {}};
    for (const ServiceId id : request.services) open.outcomes.emplace(id, std::nullopt);
    restore(std::move(open));
}

std::vector<OpenRequest> Requests::open_requests() const {
    std::vector<OpenRequest> open;
    for (const auto& [id, pending] : pending_) open.push_back(pending);
    return open;
}

void Requests::restore(OpenRequest open) {
    const RequestId request = open.request.request;
    Pending& pending = pending_[request];
    static_cast<OpenRequest&>(pending) = std::move(open);
    for (const auto& [id, outcome] : pending.outcomes) {
        if (outcome) continue;
        waiters_[id].push_back(request);
        ++pending.open;
    }
    if (const auto& deadline = pending.request.deadline) deadlines_.emplace(*deadline, request);
    if (pending.open == 0) complete_.push_back(request);
}

void Requests::settle(RequestId request, Outcome outcome) {
    const auto found = pending_.find(request);
    if (found == pending_.end()) return;
    const auto slot = found->second.outcomes.find(outcome.service);
    if (slot == found->second.outcomes.end() || slot->second) return;
    auto& waiting = waiters_[outcome.service];
    std::erase(waiting, request);
    if (waiting.empty()) waiters_.erase(outcome.service);
    slot->second = std::move(outcome);
    if (--found->second.open == 0) complete_.push_back(request);
}

void Requests::settle_all(const Unit& unit, Verb verb, const Outcome& outcome) {
    const auto found = waiters_.find(unit.id());
    if (found == waiters_.end()) return;
    for (const RequestId request : std::vector<RequestId>(found->second)) {
        if (pending_.at(request).request.verb == verb) settle(request, outcome);
    }
}

void Requests::look_at(const Unit& unit) {
    const auto found = waiters_.find(unit.id());
    if (found == waiters_.end()) return;
    for (const RequestId request : std::vector<RequestId>(found->second)) {
        const Requested& asked = pending_.at(request).request;
        if (!asked.wait) {
            settle(request, outcome_of(unit, Outcome::Kind::Done));
        } else if (const auto kind = progress(unit, asked.verb)) {
            Outcome outcome = outcome_of(unit, *kind);
            // Whoever wanted it stopped has to know who came in between.
            if (asked.verb == Verb::Stop && *kind == Kind::Failed) {
                outcome.cause = "it was asked to start again meanwhile";
            }
            settle(request, std::move(outcome));
        }
    }
}

void Requests::drop(RequestId request) {
    const auto node = pending_.extract(request);
    if (node.empty()) return;
    for (const auto& [service, outcome] : node.mapped().outcomes) {
        const auto waiting = waiters_.find(service);
        if (waiting == waiters_.end()) continue;
        std::erase(waiting->second, request);
        if (waiting->second.empty()) waiters_.erase(waiting);
    }
    if (const auto& deadline = node.mapped().request.deadline) {
        deadlines_.erase({*deadline, request});
    }
}

void Requests::end(RequestId id, const Units& units, Kind kind) {
    for (const auto& [service, outcome] : pending_.at(id).outcomes) {
        if (!outcome) settle(id, outcome_of(*units.find(service), kind));
    }
}

void Requests::end_open(const Units& units, Kind kind) {
    for (const auto& [id, pending] : pending_) end(id, units, kind);
}

void Requests::answer(const Units& units, Time now, std::vector<Action>& out) {
    for (const auto& [deadline, id] : deadlines_) {
        if (deadline > now) break;
        end(id, units, Kind::TimedOut);
    }
    for (const RequestId id : std::exchange(complete_, {})) close(id, out);
}

void Requests::close(RequestId id, std::vector<Action>& out) {
    const auto node = pending_.extract(id);
    if (node.empty()) return;
    if (const auto& deadline = node.mapped().request.deadline) deadlines_.erase({*deadline, id});
    Reply reply{id, {}};
    for (const ServiceId service : node.mapped().request.services) {
        auto& outcome = node.mapped().outcomes.at(service);
        if (outcome) reply.outcomes.push_back(std::move(*std::exchange(outcome, std::nullopt)));
    }
    out.push_back(std::move(reply));
}

std::optional<Time> Requests::next_deadline() const {
    if (deadlines_.empty()) return std::nullopt;
    return deadlines_.begin()->first;
}

}  // namespace reeve::core
