#pragma once

#include <string>
#include <vector>

#include "config/literal.h"
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

/// One key that differs and what a file would say on either side; null: nothing, the key has its
/// default. Keys of maps are told one by one, as "stop.timeout".
struct KeyChange {
    std::string key;
    Literal from, to;

    bool operator==(const KeyChange&) const = default;
};

/// Names the keys that diff() names. Users and groups are as the files call them; where that is no
/// difference, as they were found.
std::vector<KeyChange> key_changes(const Service& old, const Service& now);
std::vector<KeyChange> key_changes(const Supervisor& old, const Supervisor& now);

}  // namespace reeve::config
