#pragma once

#include <string>

#include "ctl/look.h"
#include "ctl/protocol/status.h"

namespace reeve::ctl {

/// One line a service, why it is not simply running, a line that sums up, and what to type next.
/// Fits the look's width as far as names allow.
std::string render_table(const protocol::StatusDocument& document, const Look& look);

}  // namespace reeve::ctl
