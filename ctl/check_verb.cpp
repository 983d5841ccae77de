#include <sys/stat.h>

#include <cerrno>

#include "config/check_report.h"
#include "config/load.h"
#include "config/places.h"
#include "ctl/protocol/configuration_json.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

config::LoadOptions options_for(const Task& task) {
    config::LoadOptions options;
    options.environment = task.host.environment;
    options.uid = task.host.uid;
    const std::string_view named = task.host.variable("REEVE_CONFIG");
    if (!task.invocation.names.empty()) {
        options.paths = task.invocation.names;
    } else if (!named.empty()) {
        options.paths = {std::string(named)};
    } else {
        options.paths = config::places_of(task.host.uid, task.host.environment).config;
        options.paths_may_be_missing = true;
    }
    return options;
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
    for (const std::string& path : task.invocation.names) {
        struct stat status {};
        if (stat(path.c_str(), &status) == 0 || (errno != ENOENT && errno != ENOTDIR)) continue;
        return task.complain(
            Complaint{Exit::NoSuchService, "there is no configuration at " + harmless(path)});
    }
    const config::LoadResult result = config::load(options_for(task));
    const config::CheckReport report = config::check_report(result);
    if (task.invocation.json) {
        task.out.write(as_json(result) + "\n");
    } else {
        task.err.write(report.problems);
        task.err.flush();
        if (!task.invocation.quiet) task.out.write(report.summary);
    }
    return report.valid ? Exit::Done : Exit::Failed;
}

}  // namespace reeve::ctl
