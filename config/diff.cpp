#include "config/diff.h"

#include <algorithm>

#include "config/draft.h"
#include "config/service_keys.h"

namespace reeve::config {

namespace {

std::vector<std::string> differing_keys(std::span<const Section> table, const void* old,
                                        const void* now) {
    std::vector<std::string> keys;
    for (const Section& section : table) {
        for (const Key& key : section.keys) {
            if (key.field.same != nullptr && !key.field.same(old, now)) {
                keys.emplace_back(key.name);
            }
        }
    }
    return keys;
}

/// A service as the table sees it.
Draft draft_of(const Service& service) {
    Draft draft{service.name, service.execution, service.policy, service.relations, {}, {}};
    draft.restart = service.policy.restart;
    if (service.execution.credentials) {
        const Credentials& c = *service.execution.credentials;
        draft.identity.user = std::to_string(c.uid) + ' ' + c.user + ' ' + c.home + ' ' + c.shell;
        draft.identity.group = std::to_string(c.gid);
        draft.identity.supplementary_groups.emplace();
        for (const gid_t gid : c.supplementary_groups) {
            draft.identity.supplementary_groups->push_back(std::to_string(gid));
        }
    }
    return draft;
}

SupervisorDraft draft_of(const Supervisor& supervisor) {
    const auto words = [](const std::vector<gid_t>& gids) {
        std::vector<std::string> all;
        for (const gid_t gid : gids) all.push_back(std::to_string(gid));
        return all;
    };
    SupervisorDraft draft{supervisor,
                          {supervisor.socket.path, supervisor.socket.mode, {}},
                          {words(supervisor.access.operate), words(supervisor.access.read)}};
    if (supervisor.socket.group) draft.socket.group = std::to_string(*supervisor.socket.group);
    return draft;
}

ServiceChange compare(const Service& old, const Service& now) {
    ServiceChange change{now.name, Change::Unchanged, {}};
    const bool same_execution = old.execution == now.execution;
    if (same_execution && old.policy == now.policy && old.relations == now.relations) {
        return change;
    }
    // Other descriptors reach a process only when it is executed.
    const bool same_descriptors = old.policy.log.kind == now.policy.log.kind;
    change.change = same_execution && same_descriptors ? Change::Live : Change::Restart;
    const Draft before = draft_of(old), after = draft_of(now);
    change.keys = differing_keys(service_table(), &before, &after);
    return change;
}

}  // namespace

PlanDiff diff(const Plan& old, const Plan& now) {
    PlanDiff result;
    auto before = old.services.begin();
    auto after = now.services.begin();
    while (before != old.services.end() || after != now.services.end()) {
        const bool only_before = after == now.services.end() ||
                                 (before != old.services.end() && (*before)->name < (*after)->name);
        if (only_before) {
            result.services.push_back({(*before++)->name, Change::Removed, {}});
        } else if (before == old.services.end() || (*after)->name < (*before)->name) {
            result.services.push_back({(*after++)->name, Change::Added, {}});
        } else {
            result.services.push_back(compare(**before++, **after++));
        }
    }
    const SupervisorDraft left = draft_of(old.supervisor), right = draft_of(now.supervisor);
    result.supervisor_keys = differing_keys(supervisor_table(), &left, &right);
    return result;
}

bool PlanDiff::empty() const {
    return supervisor_keys.empty() &&
           std::all_of(services.begin(), services.end(), [](const ServiceChange& change) {
               return change.change == Change::Unchanged;
           });
}

}  // namespace reeve::config
