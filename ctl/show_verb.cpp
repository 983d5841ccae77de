#include "ctl/client.h"
#include "ctl/properties.h"
#include "ctl/protocol/configuration_json.h"
#include "ctl/protocol/json_text.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

using config::Literal;

/// The services of a status document as plain values, so that whatever --json has is shown, too.
Literal::List as_literals(const protocol::StatusDocument& document) {
    constexpr std::size_t depth = 16;
    const auto json = protocol::parse_json(protocol::to_json(document), depth);
    if (!json) return {};
    std::string problem;
    const Literal all = protocol::read<Literal>(*json, {}, problem);
    const Literal* services = all.member("services");
    return services != nullptr ? std::get<Literal::List>(services->value) : Literal::List();
}

/// A status in which no struct is missing, to tell which keys there can be.
Literal status_with_all() {
    protocol::ServiceStatus status;
    status.last_exit.emplace();
    status.tracking.emplace();
    return as_literals({{}, {status}})[0];
}

Attempt<std::vector<ShownService>> fetch(const Task& task) {
    const std::vector<std::string>& names = task.invocation.names;
    auto client = Client::connect(task.host, task.invocation);
    if (!client) return client.error();
    const auto document = client->ask(protocol::StatusQuery{names, true, true});
    if (!document) return document.error();
    const auto definitions = client->ask(protocol::DefinitionQuery{names});
    // Whoever may only read sees how services are, and not what may hold secrets.
    const bool refused = !definitions && definitions.error().exit == Exit::NotAllowed;
    if (!definitions && !refused) return definitions.error();
    const Literal defined{refused ? Literal::Map() : definitions->services};
    std::vector<ShownService> services;
    Literal::List statuses = as_literals(*document);
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        const Literal* definition = defined.member(document->services[i].name);
        services.push_back(
            {std::move(statuses[i]), definition != nullptr ? *definition : Literal()});
    }
    return services;
}

std::string as_json(const std::vector<ShownService>& services) {
    protocol::JsonWriter out;
    out.begin_object();
    out.key("services");
    out.begin_array();
    for (const ShownService& service : services) {
        out.begin_object();
        out.part("status", service.status);
        out.part("definition", service.definition);
        out.end_object();
    }
    out.end_array();
    out.end_object();
    return out.take();
}

}  // namespace

Exit run_show(Task& task) {
    const Invocation& invocation = task.invocation;
    const Literal example = status_with_all();
    for (const std::string& key : invocation.properties) {
        if (auto wrong = no_such_property(key, example)) {
            return task.complain(Complaint{Exit::Usage, std::move(*wrong)});
        }
    }
    const auto services = fetch(task);
    if (!services) return task.complain(services.error());
    if (invocation.json) {
        task.out.write(as_json(*services) + "\n");
        return Exit::Done;
    }
    bool first = true;
    for (const ShownService& service : *services) {
        const Properties all = properties_of(service);
        if (!first) task.out.write("\n");
        first = false;
        for (const auto& [key, value] :
             invocation.properties.empty() ? all : picked(all, invocation.properties)) {
            task.out.write((invocation.values_only ? "" : key + "=") + value + "\n");
        }
    }
    return Exit::Done;
}

}  // namespace reeve::ctl
