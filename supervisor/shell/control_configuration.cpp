// How clients see, compare and change the configuration in force.
#include <unistd.h>

#include <map>

#include "config/definition.h"
#include "config/graph.h"
#include "supervisor/shell/clock.h"
#include "supervisor/shell/control.h"

namespace reeve::shell {

void Control::answer(const SessionPtr& session, const Id& id, const protocol::Enable& enable) {
    auto services = select_or_refuse(session, id, enable.names);
    if (!services) return;
    std::vector<std::string> names;
    std::map<std::string, bool> enabled;
    for (const core::ServiceId service : *services) {
        names.push_back(house_.engine.units().find(service)->name());
        enabled[names.back()] = enable.enabled;
    }
    if (auto decided = house_.configuration.enable(names, enable.enabled); !decided) {
        return refuse(session, id, decided.error().text());
    }
    const core::RequestId request =
        pending_.add({session, id, Pending::Kind::Enablement, {}, std::move(*services), {}});
    core::PlanReplaced replaced;
    replaced.request = request;
    replaced.wait = false;
    house_.configuration.take(config::with_enabled(house_.configuration.plan(), enabled),
                              std::move(replaced));
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::DiffQuery&) {
    const config::LoadResult loaded = house_.configuration.read();
    protocol::ConfigurationDiff diff = house_.configuration.compare(loaded);
    if (loaded.plan) diff.steps = house_.configuration.steps_to(loaded.plan);
    session->send(protocol::encode_result(id, diff));
}

void Control::answer(const SessionPtr& session, const Id& id, const protocol::Apply& apply) {
    if (house_.engine.shutting_down()) {
        return refuse(session, id, "the supervisor is shutting down");
    }
    config::LoadResult loaded = house_.configuration.read();
    protocol::ConfigurationDiff diff = house_.configuration.compare(loaded);
    for (const config::Problem& problem : loaded.problems) house_.log.warning(to_line(problem));
    if (!loaded.plan) {
        house_.log.error("the configuration is not valid; everything stays as it is");
        announce_configuration("refused: it is not valid");
        return session->send(protocol::encode_result(id, protocol::Applied{std::move(diff), {}}));
    }
    const std::string summary = summary_of(diff);
    house_.log.info("configuration applied for " + name_of(session->peer()) + ": " + summary);
    announce_configuration("applied: " + summary);
    core::PlanReplaced replaced;
    replaced.request = pending_.add({session, id, Pending::Kind::Apply, {}, {}, std::move(diff)});
    replaced.wait = apply.wait;
    replaced.deadline = deadline_after(apply.timeout);
    house_.configuration.take(std::move(loaded.plan), std::move(replaced));
}

void Control::answer(const SessionPtr& session, const Id& id,
                     const protocol::DefinitionQuery& query) {
    const auto services = select_or_refuse(session, id, query.names);
    if (!services) return;
    protocol::Definitions definitions;
    for (const core::ServiceId service : *services) {
        const core::Unit& unit = *house_.engine.units().find(service);
        definitions.services.emplace_back(unit.name(),
                                          config::definition_of(*unit.definition, ::getpid() == 1));
    }
    session->send(protocol::encode_result(id, definitions));
}

void Control::announce_configuration(std::string what) {
    protocol::Event event;
    event.kind = protocol::Event::Kind::Configuration;
    event.cause = std::move(what);
    events_.publish(std::move(event));
}

}  // namespace reeve::shell
