#pragma once

#include <string>
#include <vector>

#include "ctl/log_line.h"
#include "ctl/look.h"
#include "ctl/protocol/status.h"

namespace reeve::ctl {

/// Everything that is known of one service, with its last lines, and what to type next when it is
/// in trouble.
std::string render_card(const protocol::ServiceStatus& service, const std::vector<LogLine>& lines,
                        const Look& look);

}  // namespace reeve::ctl
