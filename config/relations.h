#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/plan.h"
#include "config/problem.h"
#include "config/service_checks.h"

namespace reeve::config {

/// What one service says of others, with where it says so.
struct NamedRelations {
    Origin origin;
    std::string name;
    Relations relations;
    bool enabled = false;
};

/// Reports unknown names, services that name themselves, cycles, and services that need what
/// conflicts; and, as a warning, services that are enabled and not started at boot, as they
/// conflict with one that is.
/// Nobody knows which instances those of `unclear` have: any that is named may be there, and no
/// order is checked through them.
void check_relations(const std::vector<NamedRelations>& services,
                     const std::set<std::string_view>& unclear, std::vector<Problem>& problems);

/// Leaves a service out of lists that are from `defaults`.
void leave_out_itself(Relations& relations, const std::string& service);

/// Has relations name the instances that there are where they name all of a service's.
void expand_instances(std::vector<Service>& services);

}  // namespace reeve::config
