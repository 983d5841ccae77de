#include <cerrno>

#include "config/check_report.h"
#include "config/load.h"
#include "config/places.h"
#include "ctl/client.h"
#include "ctl/protocol/configuration_json.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

/// Adds what a supervisor that runs has read, as it would read it again.
Attempt<> add_files_in_use(const Task& task, config::LoadOptions& options) {
    auto client = Client::connect(task.host, task.invocation);
    if (!client) return client.error();
    const auto document = client->ask(protocol::StatusQuery{{}, false, false});
    if (!document) return document.error();
    options.paths = document->supervisor.config;
    options.uid = client->peer().value_or(options.uid);
    return {};
}

Attempt<config::LoadOptions> options_for(const Task& task) {
    const Host& host = task.host;
    config::LoadOptions options;
    options.environment = host.environment;
    options.uid = host.uid;
    const std::string_view named = host.variable("REEVE_CONFIG");
    const bool names_supervisor =
        !host.variable("REEVE_SOCKET").empty() || !host.variable("REEVE_RUNTIME_DIR").empty();
    if (!task.invocation.names.empty()) {
        options.paths = task.invocation.names;
    } else if (!named.empty() && !task.invocation.socket) {
        options.paths = {std::string(named)};
    } else if (names_supervisor || task.invocation.socket) {
        if (const auto added = add_files_in_use(task, options); !added) return added.error();
    } else {
        options.paths = config::places_of(host.uid, host.environment).config;
        options.paths_may_be_missing = true;
    }
    return options;
}

Exit exit_for(const config::LoadResult& result) {
    if (result.plan != nullptr) return Exit::Done;
    switch (result.unread) {
        case ENOENT:
        case ENOTDIR:
            return Exit::NoSuchService;
        case EACCES:
        case EPERM:
            return Exit::NotAllowed;
        default:
            return Exit::Failed;
    }
}

std::string as_json(const config::LoadResult& result) {
    protocol::JsonWriter out;
    out.begin_object();
    out.field("valid", result.plan != nullptr);
    out.list("problems", result.problems);
    out.end_object();
    return out.take();
}

}  // namespace

Exit run_check(Task& task) {
    const auto options = options_for(task);
    if (!options) return task.complain(options.error());
    const config::LoadResult result = config::load(*options);
    const config::CheckReport report = config::check_report(result);
    if (task.invocation.json) {
        task.out.write(as_json(result) + "\n");
    } else {
        task.err.write(report.problems);
        task.err.flush();
        if (!task.invocation.quiet) task.out.write(report.summary);
    }
    return exit_for(result);
}

}  // namespace reeve::ctl
