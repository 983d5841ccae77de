#include <fnmatch.h>

#include <algorithm>

#include "config/instances.h"
#include "ctl/client.h"
#include "ctl/protocol/json_writer.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

using protocol::ServiceStatus;
using protocol::State;

/// One of the is-verbs: what it asks of a service, and the word that answers.
struct Question {
    bool (*is)(const ServiceStatus&);
    std::string_view (*word)(const ServiceStatus&);
};

std::string_view state_word(const ServiceStatus& service) { return to_string(service.state); }

constexpr Question active = {[](const ServiceStatus& s) { return is_running(s.state); },
                             state_word};
constexpr Question failed = {[](const ServiceStatus& s) { return s.state == State::Failed; },
                             state_word};
constexpr Question ready = {
    [](const ServiceStatus& s) { return s.ready; },
    [](const ServiceStatus& s) -> std::string_view { return s.ready ? "ready" : "not-ready"; }};
constexpr Question enabled = {
    [](const ServiceStatus& s) { return s.enabled; },
    [](const ServiceStatus& s) -> std::string_view { return s.enabled ? "enabled" : "disabled"; }};

bool selects(const std::string& name, const ServiceStatus& service) {
    if (name == service.name || config::is_instance_of(service.name, name)) return true;
    if (!name.starts_with('@')) return fnmatch(name.c_str(), service.name.c_str(), 0) == 0;
    return std::count(service.groups.begin(), service.groups.end(), name.substr(1)) > 0;
}

/// The services in the order in which the caller named them: words alone do not say whose they are.
std::vector<ServiceStatus> as_named(std::vector<ServiceStatus> services,
                                    const std::vector<std::string>& names) {
    auto rest = services.begin();
    for (const std::string& name : names) {
        rest = std::stable_partition(rest, services.end(),
                                     [&](const ServiceStatus& s) { return selects(name, s); });
    }
    return services;
}

std::string as_json(const std::vector<ServiceStatus>& services, const Question& question) {
    protocol::JsonWriter out;
    out.begin_object();
    out.field("answer", std::any_of(services.begin(), services.end(), question.is));
    out.key("services");
    out.begin_array();
    for (const ServiceStatus& service : services) {
        out.begin_object();
        out.field("name", service.name);
        out.field("answer", question.is(service));
        out.field("word", question.word(service));
        out.end_object();
    }
    out.end_array();
    out.end_object();
    return out.take();
}

Exit answer(Task& task, const Question& question) {
    const Invocation& invocation = task.invocation;
    auto client = Client::connect(task.host, invocation);
    if (!client) return task.complain(client.error());
    auto document = client->ask(protocol::StatusQuery{invocation.names, false, false});
    if (!document) return task.complain(document.error());
    const auto services = as_named(std::move(document->services), invocation.names);
    if (invocation.json) {
        task.out.write(as_json(services, question) + "\n");
    } else if (!invocation.quiet) {
        for (const ServiceStatus& service : services) {
            task.out.write(std::string(question.word(service)) + "\n");
        }
    }
    const bool any = std::any_of(services.begin(), services.end(), question.is);
    return any ? Exit::Done : Exit::NotRunning;
}

}  // namespace

Exit run_is_active(Task& task) { return answer(task, active); }

Exit run_is_ready(Task& task) { return answer(task, ready); }

Exit run_is_failed(Task& task) { return answer(task, failed); }

Exit run_is_enabled(Task& task) { return answer(task, enabled); }

}  // namespace reeve::ctl
