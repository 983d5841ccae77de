#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

/// Capabilities by their numbers, as capabilities(7) has them.
namespace reeve::os {

/// "NET_ADMIN"; the number where it has no name.
std::string capability_name(int capability);

/// What the process may still get by executing files, a bit each.
std::uint64_t bounding_set();

/// Whether this process may take capabilities out of the bounding set: it has SETPCAP.
bool can_cut();

/// Whether a child can be given exactly these: each must be held to be passed on, and SETPCAP to
/// cut off the others, unless `no_new_privileges` does. The error names the one that is missing.
Result<> can_give(const std::vector<int>& capabilities, bool no_new_privileges = false);

}  // namespace reeve::os
