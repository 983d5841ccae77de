#pragma once

#include <string>
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
};

/// Reports unknown names, services that name themselves, cycles, and services that need what
/// conflicts.
void check_relations(const std::vector<NamedRelations>& services, std::vector<Problem>& problems);

/// Leaves a service out of lists that are from `defaults`.
void leave_out_itself(Relations& relations, const std::string& service);

/// Has relations name the instances that there are where they name all of a service's.
void expand_instances(std::vector<Service>& services);

}  // namespace reeve::config
