#include "config/literal_yaml.h"
#include "ctl/client.h"
#include "ctl/protocol/json_writer.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

using protocol::ServiceStatus;

std::string as_json(const std::vector<ServiceStatus>& services) {
    protocol::JsonWriter out;
    out.begin_object();
    out.key("services");
    out.begin_array();
    for (const ServiceStatus& service : services) {
        out.begin_object();
        out.field("name", service.name);
        out.field("description", service.description);
        out.field("type", service.type);
        out.field("enabled", service.enabled);
        out.field("groups", service.groups);
        out.end_object();
    }
    out.end_array();
    out.end_object();
    return out.take();
}

}  // namespace

Exit run_list(Task& task) {
    auto client = Client::connect(task.host, task.invocation);
    if (!client) return task.complain(client.error());
    const auto document = client->ask(protocol::StatusQuery{task.invocation.names, false, false});
    if (!document) return task.complain(document.error());
    if (task.invocation.json) {
        task.out.write(as_json(document->services) + "\n");
        return Exit::Done;
    }
    for (const ServiceStatus& service : document->services) {
        task.out.write(harmless(service.name) + "\n");
    }
    return Exit::Done;
}

Exit run_cat(Task& task) {
    auto client = Client::connect(task.host, task.invocation);
    if (!client) return task.complain(client.error());
    const auto definitions = client->ask(protocol::DefinitionQuery{task.invocation.names});
    if (!definitions) return task.complain(definitions.error());
    task.out.write(task.invocation.json ? protocol::to_json(*definitions) + "\n"
                                        : config::definition_document(definitions->services));
    return Exit::Done;
}

}  // namespace reeve::ctl
