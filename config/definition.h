#pragma once

#include "config/literal.h"
#include "config/plan.h"

namespace reeve::config {

/// The effective definition of a service: the map of keys that a file would have under its name,
/// whatever `defaults` and variables it came from, in the order of the reference page, without keys
/// at their defaults. Read again it makes the same service. Where the supervisor runs as PID 1 it
/// always says where the output goes, since the default of that is not the same everywhere.
Literal definition_of(const Service& service, bool as_pid1 = false);

/// The same for the supervisor's own settings: the map that a file would have under `supervisor`.
Literal settings_of(const Supervisor& supervisor);

}  // namespace reeve::config
