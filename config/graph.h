#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/plan.h"

namespace reeve::config {

/// Links services, which are in order of name, by what their relations say; unknown names are left
/// out.
std::vector<Links> link(const std::vector<ServicePtr>& services);

/// A cycle as the services on it, each needing or following the next, the last one the first.
using Cycle = std::vector<std::uint32_t>;

/// The cycles of the graph over all kinds of edges but `conflicts`: none if there is none, else at
/// least one through each tangle, no edge closing two; each begins at its first service. At most
/// `most` of them.
std::vector<Cycle> find_cycles(const std::vector<Links>& links, std::size_t most);

/// Two services that conflict and a third, which may be one of them, that has both come up.
struct Contradiction {
    std::uint32_t service, one, other;
    bool operator==(const Contradiction&) const = default;
};

/// The contradictions of a graph without cycles, at most one for each pair that conflicts, at most
/// `most` of them: a service requires both, directly or by others, or wants one while it conflicts.
std::vector<Contradiction> find_contradictions(const std::vector<Links>& links, std::size_t most);

/// A plan of services in any order that are known to be right, their names all different.
PlanPtr make_plan(std::vector<Service> services, Supervisor supervisor = {},
                  std::vector<std::string> files = {});

/// The plan with Policy::enabled of these services as it is given here; names that it does not have
/// count for nothing. Shares with it every other service and all links.
PlanPtr with_enabled(const Plan& plan, const std::map<std::string, bool>& enabled);

}  // namespace reeve::config
