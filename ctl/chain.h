#pragma once

#include <map>
#include <string>

#include "ctl/look.h"
#include "ctl/protocol/result.h"
#include "ctl/run_log.h"

namespace reeve::ctl {

/// So many that hold up one service are drawn beside one another; the others are counted.
inline constexpr std::size_t most_drawn_beside = 8;

/// A chain of causes as a tree: each service below the one that it holds up, with its state, its
/// cause and what is due; those at the ends with what they wrote.
std::string draw_chain(const protocol::Link& root, const std::map<std::string, RunLog>& logs,
                       const Look& look);

/// What comes next without anybody doing anything: "next start in 800 ms". Empty when nothing does.
std::string due_text(const protocol::Link& link);

}  // namespace reeve::ctl
