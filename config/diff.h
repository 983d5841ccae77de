#pragma once

#include <string>
#include <vector>

#include "config/plan.h"

namespace reeve::config {

enum class Change { Unchanged, Live, Restart, Added, Removed };

/// What a new plan means for one service: Live takes effect at once, Restart at its next start.
struct ServiceChange {
    std::string name;
    Change change = Change::Unchanged;
    std::vector<std::string> keys;  ///< that differ, as in the file; for Live and Restart

    bool operator==(const ServiceChange&) const = default;
};

struct PlanDiff {
    std::vector<ServiceChange> services;       ///< of both plans, in order of name
    std::vector<std::string> supervisor_keys;  ///< that differ, such as "log" or "socket"

    bool empty() const;
};

PlanDiff diff(const Plan& old, const Plan& now);

}  // namespace reeve::config
