#include "supervisor/shell/execution.h"

#include <unistd.h>

#include <tuple>

#include "config/places.h"
#include "supervisor/os/capabilities.h"
#include "supervisor/os/service_dir.h"

namespace reeve::shell {

namespace {

/// What its user alone has to do with.
void set_powers(const config::Execution& execution, os::SpawnSpec& spec) {
    // Whoever is not root runs everything as itself, which is all that the loader lets through.
    if (const auto& user = execution.credentials; user && ::geteuid() == 0) {
        spec.identity = os::Identity{user->uid, user->gid, user->supplementary_groups};
    }
    spec.root_dir = execution.chroot;
    spec.no_new_privileges = execution.no_new_privileges;
    spec.capabilities = execution.capabilities;
}

void set_scheduling(const config::Execution& execution, os::SpawnSpec& spec) {
    spec.nice = execution.nice;
    spec.oom_score_adj = execution.oom_score_adj;
    spec.cpu_affinity = execution.cpu_affinity;
    if (const auto& wanted = execution.scheduling) {
        spec.scheduling = os::Scheduling{wanted->policy, wanted->priority};
    }
    if (const auto& wanted = execution.io_priority) {
        spec.io_priority = os::IoPriority{wanted->io_class, wanted->level};
    }
}

}  // namespace

Result<os::SpawnSpec> spec_of(const config::Execution& execution, const config::Argv& command,
                              const Environment& own, const Environment& extra, bool as_root) {
    auto environment = environment_of(execution, own, extra, as_root);
    if (!environment) return environment.error();
    os::SpawnSpec spec;
    spec.argv = command;
    spec.path_search = (*environment)["PATH"];
    spec.env = to_strings(*environment);
    // Seen from inside the new root, the working folder means nothing outside of it.
    spec.working_dir = as_root && !execution.chroot.empty() ? "/" : execution.working_dir;
    if (!as_root) set_powers(execution, spec);
    set_scheduling(execution, spec);
    spec.umask = execution.umask;
    for (const config::Limit& limit : execution.limits) {
        spec.limits.push_back({limit.resource, {limit.soft, limit.hard}});
    }
    if (spec.capabilities) {
        auto can = os::can_give(*spec.capabilities, spec.no_new_privileges);
        if (!can) return can.error();
    }
    return spec;
}

Result<Environment> make_directories(const config::Execution& execution, const Environment& own) {
    const config::Directories& wanted = execution.directories;
    const config::ServicePlaces places = config::service_places(::geteuid(), own);
    const auto& user = execution.credentials;
    const os::DirOwner owner{user ? user->uid : ::geteuid(), user ? user->gid : ::getegid(),
                             wanted.mode};
    Environment made;
    for (const auto& [variable, base, names] :
         {std::tuple("RUNTIME_DIRECTORY", &places.runtime, &wanted.runtime),
          std::tuple("STATE_DIRECTORY", &places.state, &wanted.state),
          std::tuple("LOGS_DIRECTORY", &places.logs, &wanted.log)}) {
        for (const std::string& name : *names) {
            if (auto done = os::make_service_dir(*base, name, owner); !done) return done.error();
            std::string& value = made[variable];
            if (!value.empty()) value += ':';
            value.append(*base).append("/").append(name);
        }
    }
    return made;
}

}  // namespace reeve::shell
