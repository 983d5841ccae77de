#pragma once

#include "supervisor/state/fields.h"
#include "supervisor/state/handover.h"

namespace reeve::state {

/// How a request ended for one of its services; nothing: not yet.
struct OutcomeFor {
    core::ServiceId service;
    std::optional<core::Outcome> outcome;
};

void fields(auto& a, Is<core::Outcome> auto& x) {
    a("service", x.service);
    a("name", x.name);
    a.choice("kind", x.kind, core::Outcome::Kind::TimedOut);
    a("state", x.state);
    a("cause", x.cause);
}

void fields(auto& a, Is<core::Requested> auto& x) {
    a("request", x.request);
    a.choice("verb", x.verb, core::Verb::Apply);
    a("services", x.services);
    a("wait", x.wait);
    a("deadline", x.deadline);
}

void fields(auto& a, Is<OutcomeFor> auto& x) {
    a("service", x.service);
    a("outcome", x.outcome);
}

template <Is<core::OpenRequest> T>
void fields(auto& a, T& x) {
    a("request", x.request);
    std::vector<OutcomeFor> outcomes;
    for (const auto& [service, outcome] : x.outcomes) outcomes.push_back({service, outcome});
    a("outcomes", outcomes);
    if constexpr (!std::is_const_v<T>) {
        for (auto& [service, outcome] : outcomes) x.outcomes.emplace(service, std::move(outcome));
    }
}

void fields(auto& a, Is<Handover::Client> auto& x) {
    a("descriptor", x.descriptor);
    a("input", x.input);
    a("subscribed", x.subscribed);
}

void fields(auto& a, Is<Handover::Asked::Before> auto& x) {
    a("service", x.service);
    a("name", x.name);
    a("state", x.state);
}

void fields(auto& a, Is<Handover::Asked> auto& x) {
    a("request", x.request);
    a("client", x.client);
    a("message", x.message);
    a("kind", x.kind);
    a("verb", x.verb);
    a("before", x.before);
    a("also", x.also);
}

void fields(auto& a, Is<Handover::Boot> auto& x) {
    a("caller", x.caller);
    a("started", x.started);
    a("pending", x.pending);
}

void fields(auto& a, Is<Handover> auto& x) {
    a("version", x.version);
    a("lock", x.lock);
    a("runtime_dir", x.runtime_dir);
    a("clients", x.clients);
    a("asked", x.asked);
    a("requests", x.requests);
    a("last_request", x.last_request);
    a("events", x.events);
    a("last_event", x.last_event);
    a("upgrader", x.upgrader);
    a("upgrader_message", x.upgrader_message);
    a("boot", x.boot);
    a("faults", x.faults);
}

}  // namespace reeve::state
