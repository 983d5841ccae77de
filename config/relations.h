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

/// Reports unknown names, services that name themselves, and cycles.
void check_relations(const std::vector<NamedRelations>& services, std::vector<Problem>& problems);

}  // namespace reeve::config
