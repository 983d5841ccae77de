#pragma once

#include <span>

#include "config/key.h"

namespace reeve::config {

/// The table of a service: every key of section 4 of the contract, in the order of the reference
/// page. Its fields point into a Draft.
std::span<const Section> service_table();

/// The table of the supervisor's own settings. Its fields point into a SupervisorDraft.
std::span<const Section> supervisor_table();

}  // namespace reeve::config
