#include "supervisor/shell/control.h"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "supervisor/core/rehearsal.h"
#include "supervisor/shell/clock.h"
#include "supervisor/shell/descriptors.h"
#include "supervisor/shell/explanation.h"

namespace reeve::shell {

namespace {

constexpr std::size_t max_sessions = 256;

/// So many of them are left to those who may do everything, so that nobody can lock them out.
constexpr std::size_t reserved_sessions = 16;

/// What one client may have under way at once.
constexpr std::size_t max_pending = 1000;

core::Verb verb_of(protocol::Until until) {
    switch (until) {
        case protocol::Until::Ready:
            return core::Verb::AwaitReady;
        case protocol::Until::Stopped:
            return core::Verb::AwaitStopped;
        case protocol::Until::Failed:
            return core::Verb::AwaitFailed;
        case protocol::Until::Done:
            return core::Verb::AwaitDone;
    }
    return core::Verb::AwaitReady;
}

/// Why there is no room for the last of so many clients; nothing if there is. `spared` is what is
/// kept from it beside.
std::optional<std::string> no_room(std::size_t clients, std::size_t spared) {
    if (clients <= max_sessions - spared) return refuse_descriptor(clients, spared);
    return "more than " + std::to_string(max_sessions) + " clients; try again later";
}

}  // namespace

Control::Control(House house)
    : house_(std::move(house)), pending_(house_.engine), events_([this] { return snapshot(); }) {}

Control::~Control() {
    // Some may be kept by what is still under way for them; they shall not call back any more.
    const auto everybody = sessions_;
    for (const auto& [address, weak] : everybody) {
        if (const auto session = weak.lock()) session->close();
    }
}

void Control::admit(asio::local::stream_protocol::socket socket) {
    auto peer = os::peer_of(socket.native_handle());
    const auto session = make_session(std::move(socket), peer ? *peer : os::Peer{});
    protocol::Failure refused;
    const bool privileged = peer && right_of(*session) == Right::All;
    if (auto full = no_room(sessions_.size(), privileged ? 0 : reserved_sessions)) {
        refused.message = std::move(*full);
    } else if (!peer) {
        refused = {protocol::ErrorCode::NotAllowed, peer.error().text(), {}, {}};
    } else if (auto why = refusal(*peer, right_of(*session), Right::Read)) {
        refused = {protocol::ErrorCode::NotAllowed, std::move(*why), {}, {}};
    } else {
        return session->start();
    }
    session->send(protocol::encode_error(std::nullopt, refused));
    session->close_after_sending();
}

Control::SessionPtr Control::make_session(asio::local::stream_protocol::socket socket,
                                          const os::Peer& peer) {
    const auto session = std::make_shared<Session>(
        std::move(socket), peer,
        [this](const SessionPtr& self, std::string_view line) { take_line(self, line); },
        [this](Session* gone) { forget(gone); });
    sessions_.emplace(session.get(), session);
    return session;
}

void Control::forget(Session* session) {
    sessions_.erase(session);
    events_.forget(session);
    for (const core::RequestId request : pending_.abandon(session)) {
        house_.queue.push(core::Abandoned{request});
    }
}

void Control::drain(std::function<void()> done) {
    // What runs when the last of them lets go of it.
    const std::shared_ptr<void> last(nullptr, [done = std::move(done)](void*) { done(); });
    for (const auto& [address, weak] : sessions_) {
        const auto session = weak.lock();
        if (session && session->unsent() > 0) session->when_drained([last] {});
    }
}

Right Control::right_of(const Session& session) const {
    const auto& access = house_.configuration.plan().supervisor.access;
    return shell::right_of(session.peer(), access, ::geteuid());
}

void Control::take_line(const SessionPtr& session, std::string_view line) {
    const auto request = protocol::parse_request(line);
    if (!request) return session->send(protocol::encode_error(request.error()));
    // The configuration may have taken a right away meanwhile.
    if (auto why = refusal(session->peer(), right_of(*session), needed_for(request->call))) {
        return refuse(session, request->id, std::move(*why), protocol::ErrorCode::NotAllowed);
    }
    if (pending_.count(session.get()) >= max_pending) {
        return refuse(session, request->id,
                      "more than " + std::to_string(max_pending) +
                          " requests are under way on this connection");
    }
    std::visit([&](const auto& call) { answer(session, request->id, call); }, request->call);
}

void Control::refuse(const SessionPtr& session, const Id& id, std::string why,
                     protocol::ErrorCode code) {
    session->send(protocol::encode_error(id, protocol::Failure{code, std::move(why), {}, {}}));
}

std::optional<std::vector<core::ServiceId>> Control::select_or_refuse(
    const SessionPtr& session, const Id& id, const std::vector<std::string>& names) {
    auto services = select(house_.engine.units(), names);
    if (services) return std::move(*services);
    session->send(protocol::encode_error(id, services.error().failure));
    return std::nullopt;
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::Hello&) {
    protocol::Welcome welcome;
    welcome.version = house_.info.version;
    welcome.pid = ::getpid();
    welcome.runtime_dir = house_.info.runtime_dir;
    welcome.log_dir = house_.info.log_dir;
    session->send(protocol::encode_result(id, welcome));
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::VersionQuery&) {
    protocol::VersionInfo version;
    version.version = house_.info.version;
    session->send(protocol::encode_result(id, version));
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::Shutdown&) {
    session->send(protocol::encode_result(id, protocol::Accepted{}));
    house_.log.info("asked to shut down by " + name_of(session->peer()));
    house_.queue.push(core::ShutdownAsked{"asked by " + name_of(session->peer()), false});
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::Upgrade& upgrade) {
    const auto say = [this, session, id](const Error& why) {
        house_.log.error("not upgraded: " + why.text());
        refuse(session, id, why.text());
    };
    // Whoever asks in between does not take the answer from who asked first.
    if (upgrader_) return say(error("another upgrade is under way"));
    if (upgrade.path && !upgrade.path->starts_with('/')) {
        return refuse(session, id, "params.path is not absolute",
                      protocol::ErrorCode::InvalidParams);
    }
    house_.log.info("asked to upgrade by " + name_of(session->peer()));
    upgrader_ = Upgrader{session, id, {}};
    house_.upgrade(upgrade.path.value_or(""), [this, say](const Error& why) {
        upgrader_.reset();
        say(why);
    });
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::Reopen&) {
    house_.reopen_logs();
    session->send(protocol::encode_result(id, protocol::Accepted{}));
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::StatusQuery& query) {
    const auto services = select_or_refuse(session, id, query.names);
    if (!services) return;
    session->send(protocol::encode_result(
        id, describe(house_.engine, house_.runs, house_.info, *services, query, now())));
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::Command& command) {
    auto services = select_or_refuse(session, id, command.names);
    if (!services) return;
    const core::Verb verb = shell::verb_of(command.verb);
    const core::RequestId request =
        pending_.add({session, id, Pending::Kind::Command, verb, *services, {}});
    house_.queue.push(core::Requested{request, verb, std::move(*services), command.wait,
                                      deadline_after(command.timeout)});
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::Rehearse& rehearse) {
    auto services = select_or_refuse(session, id, rehearse.names);
    if (!services) return;
    // No other request has this number.
    const core::RequestId request{std::numeric_limits<std::uint64_t>::max()};
    const core::Rehearsal played = core::rehearse(
        house_.engine,
        core::Requested{request, shell::verb_of(rehearse.verb), std::move(*services), true, {}},
        request, now());
    protocol::Rehearsal rehearsal{steps_of(played), {{}, played.also}};
    for (const core::Outcome& outcome : played.outcomes) {
        rehearsal.outcome.results.push_back(pending_.result_of(outcome));
        rehearsal.outcome.results.back().pid.reset();
        rehearsal.outcome.results.back().changed =
            std::any_of(played.steps.begin(), played.steps.end(),
                        [&](const auto& step) { return step.service == outcome.name; });
    }
    session->send(protocol::encode_result(id, rehearsal));
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::Kill& kill) {
    auto services = select_or_refuse(session, id, kill.names);
    if (!services) return;
    const core::RequestId request =
        pending_.add({session, id, Pending::Kind::Signal, {}, *services, {}});
    house_.queue.push(
        core::SignalAsked{request, std::move(*services), kill.signal,
                          kill.tree ? config::StopScope::Tree : config::StopScope::Main});
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::ResetFailed& reset) {
    auto services = select_or_refuse(session, id, reset.names);
    if (!services) return;
    const core::RequestId request =
        pending_.add({session, id, Pending::Kind::Reset, {}, *services, {}});
    house_.queue.push(core::ResetAsked{request, std::move(*services)});
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::WaitFor& wait) {
    auto services = select_or_refuse(session, id, wait.names);
    if (!services) return;
    const core::RequestId request =
        pending_.add({session, id, Pending::Kind::Await, {}, *services, {}});
    house_.queue.push(core::Requested{request, verb_of(wait.until), std::move(*services), true,
                                      deadline_after(wait.timeout)});
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::WhyQuery& query) {
    const auto services = select_or_refuse(session, id, {query.name});
    if (!services) return;
    if (services->size() > 1) {
        return refuse(session, id,
                      query.name + " selects " + std::to_string(services->size()) +
                          " services; ask about one at a time",
                      protocol::ErrorCode::InvalidParams);
    }
    const core::Units& units = house_.engine.units();
    session->send(protocol::encode_result(
        id, explain(house_.engine, house_.runs, *units.find(services->front()), now())));
}

void Control::answer(const SessionPtr& session, const Id& id,
                     const protocol::FailuresQuery& query) {
    const auto services = select_or_refuse(session, id, query.names);
    if (!services) return;
    session->send(
        protocol::encode_result(id, failures_of(house_.engine.units(), *services, now())));
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::RunsQuery& query) {
    const auto services = select_or_refuse(session, id, query.names);
    if (!services) return;
    session->send(
        protocol::encode_result(id, runs_of(house_.engine.units(), *services, query.run, now())));
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::EventsQuery& query) {
    const auto all = std::numeric_limits<std::size_t>::max();
    session->send(
        protocol::encode_result(id, protocol::EventList{events_.last(query.limit.value_or(all))}));
}

void Control::answer(const SessionPtr& session, const Id& id,
                     const protocol::Subscribe& subscribe) {
    session->send(protocol::encode_result(id, protocol::Accepted{}));
    // What has been decided and not told yet is part of the picture that comes first.
    house_.tell_changes();
    events_.subscribe(session, subscribe.history);
}

std::vector<protocol::Event> Control::snapshot() const {
    std::vector<protocol::Event> events;
    const core::Units& units = house_.engine.units();
    const auto everything = select(units, {});
    for (const core::ServiceId service : *everything) {
        const core::Unit& unit = *units.find(service);
        protocol::Event event;
        event.kind = protocol::Event::Kind::Snapshot;
        event.service = unit.name();
        event.to = state_of(unit);
        event.cause = cause_of(unit, now());
        event.pid = unit.pid;
        events.push_back(std::move(event));
    }
    return events;
}

void Control::announce(const core::Announce& change) {
    protocol::Event event;
    event.service = change.name;
    event.from = protocol::parse_state(change.from);
    event.to = protocol::parse_state(change.to).value_or(protocol::State::Stopped);
    event.cause = change.cause;
    event.pid = change.pid;
    events_.publish(std::move(event));
}

void Control::announce(const core::AnnounceShutdown& shutdown) {
    protocol::Event event;
    event.kind = protocol::Event::Kind::Shutdown;
    event.cause = shutdown.cause;
    events_.publish(std::move(event));
}

void Control::announce(const core::Forget& forgotten) {
    protocol::Event event;
    event.kind = protocol::Event::Kind::Removed;
    event.service = forgotten.name;
    events_.publish(std::move(event));
}

}  // namespace reeve::shell
