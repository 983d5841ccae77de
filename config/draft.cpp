#include "config/draft.h"

namespace reeve::config {

Draft initial_draft(bool as_pid1) {
    Draft draft;
    draft.policy.success_exit.codes.set(0);
    draft.policy.log.to_file = !as_pid1;
    draft.policy.log.to_console = as_pid1;
    return draft;
}

Draft draft_of(const Service& service) {
    return {service.name,      service.execution, service.policy,
            service.relations, service.identity,  service.policy.restart};
}

Draft fallback_of(const Service& service, bool as_pid1) {
    Draft draft = initial_draft(false);
    const bool oneshot = service.execution.type == ServiceType::Oneshot;
    draft.restart = oneshot ? RestartPolicy::Never : RestartPolicy::Always;
    if (as_pid1) draft.policy.log.to_file = false;
    return draft;
}

SupervisorDraft draft_of(const Supervisor& supervisor) {
    const Supervisor::GroupNames& groups = supervisor.group_names;
    return {supervisor,
            {supervisor.socket.path, supervisor.socket.mode, groups.socket},
            {groups.operate, groups.read}};
}

}  // namespace reeve::config
