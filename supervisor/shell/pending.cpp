#include "supervisor/shell/pending.h"

#include <algorithm>

#include "supervisor/shell/status.h"

namespace reeve::shell {

namespace {

std::optional<protocol::ErrorCode> failure_of(core::Outcome::Kind kind) {
    switch (kind) {
        case core::Outcome::Kind::Done:
            return std::nullopt;
        case core::Outcome::Kind::Failed:
            return protocol::ErrorCode::Failed;
        case core::Outcome::Kind::NotRunning:
            return protocol::ErrorCode::NotRunning;
        case core::Outcome::Kind::TimedOut:
            return protocol::ErrorCode::TimedOut;
    }
    return std::nullopt;
}

/// Whether nothing needed to be done for a request that found the service like that.
bool was_so_already(const Pending::Asked& asked, protocol::State state) {
    using protocol::State;
    switch (asked.kind) {
        case Pending::Kind::Command:
            break;
        case Pending::Kind::Reset:
            return state != State::Failed;
        case Pending::Kind::Await:
            return true;
        case Pending::Kind::Signal:
        case Pending::Kind::Enablement:
        case Pending::Kind::Apply:
            return false;
    }
    if (asked.verb == core::Verb::Start) {
        return state == State::Running || state == State::Reloading;
    }
    if (asked.verb != core::Verb::Stop) return false;
    return state == State::Stopped || state == State::Failed || state == State::Done;
}

}  // namespace

core::RequestId Pending::add(Asked asked) {
    Entry entry{std::move(asked), {}, {}};
    for (const core::ServiceId service : entry.asked.services) {
        const core::Unit& unit = *engine_.units().find(service);
        entry.before.emplace(service, Entry::Before{unit.name(), state_of(unit)});
    }
    const core::RequestId request{++last_request_};
    by_session_[entry.asked.session.get()].insert(request);
    entries_.emplace(request, std::move(entry));
    return request;
}

std::size_t Pending::count(const Session* session) const {
    const auto found = by_session_.find(session);
    return found == by_session_.end() ? 0 : found->second.size();
}

std::vector<core::RequestId> Pending::abandon(const Session* session) {
    const auto node = by_session_.extract(session);
    if (node.empty()) return {};
    std::vector<core::RequestId> requests(node.mapped().begin(), node.mapped().end());
    for (const core::RequestId request : requests) entries_.erase(request);
    return requests;
}

void Pending::touches(const core::Touches& touches) {
    const auto found = entries_.find(touches.request);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    const bool applied = entry.asked.kind == Kind::Apply;
    protocol::Touches notice{
        entry.asked.id, verb_of(applied ? core::Verb::Restart : entry.asked.verb), {}};
    const bool starts = touches.verb == core::Verb::Start;
    for (const core::Touches::Service& service : touches.services) {
        const std::string& name = engine_.units().find(service.id)->name();
        const std::string& reason = engine_.units().find(service.reason)->name();
        entry.also.push_back(name);
        const std::string relation = starts          ? "needed by "
                                     : service.rival ? "conflicts with "
                                                     : "requires ";
        notice.services.push_back({name, verb_of(touches.verb), relation + reason});
    }
    entry.asked.session->send(protocol::encode_touches(notice));
}

void Pending::reply(const core::Reply& reply) {
    const auto node = entries_.extract(reply.request);
    if (node.empty()) return;
    Entry& entry = node.mapped();
    const auto& session = entry.asked.session;
    const auto own = by_session_.find(session.get());
    own->second.erase(reply.request);
    if (own->second.empty()) by_session_.erase(own);
    protocol::Outcome outcome{results_of(entry, reply), std::move(entry.also)};
    if (entry.asked.kind == Kind::Apply) {
        session->send(protocol::encode_result(
            entry.asked.id, protocol::Applied{std::move(entry.asked.diff), std::move(outcome)}));
    } else {
        session->send(protocol::encode_result(entry.asked.id, outcome));
    }
}

std::vector<protocol::CommandResult> Pending::results_of(const Entry& entry,
                                                         const core::Reply& reply) const {
    std::vector<protocol::CommandResult> results;
    std::set<core::ServiceId> silent(entry.asked.services.begin(), entry.asked.services.end());
    for (const core::Outcome& outcome : reply.outcomes) {
        results.push_back(result_of(outcome));
        silent.erase(outcome.service);
        const auto before = entry.before.find(outcome.service);
        if (before == entry.before.end()) continue;
        results.back().service = before->second.name;
        results.back().changed = !was_so_already(entry.asked, before->second.state);
    }
    for (const core::ServiceId service : silent) {
        const core::Unit* unit = engine_.units().find(service);
        if (unit == nullptr) continue;
        results.push_back(result_of(core::outcome_of(*unit, core::Outcome::Kind::Done)));
        results.back().changed = false;
    }
    std::sort(results.begin(), results.end(),
              [](const auto& a, const auto& b) { return a.service < b.service; });
    return results;
}

void Pending::hand_over(
    state::Handover& handover,
    const std::function<std::optional<std::size_t>(const Session*)>& place) const {
    handover.last_request = last_request_;
    for (const auto& [request, entry] : entries_) {
        const auto client = place(entry.asked.session.get());
        if (!client) continue;
        state::Handover::Asked asked;
        asked.request = request;
        asked.client = *client;
        // Has the id, too.
        asked.message =
            protocol::encode_result(entry.asked.id, protocol::Applied{entry.asked.diff, {}});
        asked.kind = static_cast<int>(entry.asked.kind);
        asked.verb = static_cast<int>(entry.asked.verb);
        for (const core::ServiceId service : entry.asked.services) {
            const Entry::Before& before = entry.before.at(service);
            asked.before.push_back({service, before.name, static_cast<int>(before.state)});
        }
        asked.also = entry.also;
        handover.asked.push_back(std::move(asked));
    }
}

void Pending::take_over(const state::Handover& handover,
                        const std::vector<std::shared_ptr<Session>>& sessions) {
    last_request_ = handover.last_request;
    for (const state::Handover::Asked& asked : handover.asked) {
        const auto message = protocol::parse_answer<protocol::Applied>(asked.message);
        const auto* const reply =
            message ? std::get_if<protocol::Reply<protocol::Applied>>(&*message) : nullptr;
        const auto* const applied =
            reply != nullptr ? std::get_if<protocol::Applied>(&reply->body) : nullptr;
        if (applied == nullptr || !reply->id || asked.client >= sessions.size()) continue;
        const auto& session = sessions[asked.client];
        if (!session) continue;
        Entry entry;
        entry.asked = {session,
                       *reply->id,
                       static_cast<Kind>(asked.kind),
                       static_cast<core::Verb>(asked.verb),
                       {},
                       applied->diff};
        for (const auto& before : asked.before) {
            entry.asked.services.push_back(before.service);
            entry.before.emplace(
                before.service,
                Entry::Before{before.name, static_cast<protocol::State>(before.state)});
        }
        entry.also = asked.also;
        by_session_[session.get()].insert(asked.request);
        entries_.emplace(asked.request, std::move(entry));
    }
}

protocol::CommandResult Pending::result_of(const core::Outcome& outcome) const {
    protocol::CommandResult result;
    result.service = outcome.name;
    result.failure = failure_of(outcome.kind);
    result.state = protocol::parse_state(outcome.state).value_or(protocol::State::Stopped);
    result.cause = outcome.cause;
    const core::Unit* unit = engine_.units().find(outcome.service);
    if (unit != nullptr && unit->pid) result.pid = *unit->pid;
    return result;
}

}  // namespace reeve::shell
