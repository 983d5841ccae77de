#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ctl/log_line.h"
#include "ctl/look.h"
#include "ctl/protocol/result.h"
#include "ctl/protocol/status.h"

namespace reeve::ctl {

/// Whether somebody who looks at a service in this state may want to do something about it.
bool calls_for_action(protocol::State state);

/// The last lines that a service wrote, and what is to be said of its log beside or in place of
/// them.
struct LastLines {
    std::vector<LogLine> lines = {};
    std::string remark = {};
};

/// Everything that is known of one service, with its last lines. When it calls for action, also
/// what is wrong, better with an explanation than without, and what to type next.
std::string render_card(const protocol::ServiceStatus& service,
                        const std::optional<protocol::Explanation>& explanation,
                        const LastLines& log, const Look& look);

}  // namespace reeve::ctl
