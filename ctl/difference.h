#pragma once

#include <string>

#include "ctl/look.h"
#include "ctl/outcome.h"
#include "ctl/protocol/message.h"

namespace reeve::ctl {

/// The problems of a configuration, one line each, as `check` prints them.
std::string render_problems(const protocol::ConfigurationDiff& diff);

/// What a valid configuration would change: a block for each service and for the supervisor, then
/// the steps.
std::string render_difference(const protocol::ConfigurationDiff& diff, const Look& look);

/// What a valid configuration has changed: a line for each service with which it went well.
std::string render_applied(const protocol::Applied& applied, const Look& look);

/// How those are told with which it did not: "cannot restart web: CAUSE".
Telling telling_of(const protocol::ConfigurationDiff& diff, const Look& look);

}  // namespace reeve::ctl
