#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ctl/advice.h"
#include "ctl/look.h"
#include "ctl/protocol/result.h"
#include "ctl/run_log.h"

namespace reeve::ctl {

/// Those at the ends of the chain of causes, who hold up all the others. Of many the first ones:
/// as many as are drawn.
std::vector<const protocol::Link*> ends_of(const protocol::Explanation& explanation);

/// The run whose lines may tell why a service is in its state; nothing when none can.
struct RunTimes {
    std::optional<WallTime> from, to;
    bool before_main =
        false;  ///< it failed with its hooks: when they began, only its failure tells
};
std::optional<RunTimes> telling_run(const protocol::Link& link);

/// In one sentence, with what is due: "web is waiting for db, which has failed."
std::string summary_of(const protocol::Explanation& explanation);

/// What to type next: a few things that help those at the ends, to look at logs only where there
/// are any.
std::vector<Advice> advice_on(const protocol::Explanation& explanation,
                              const std::map<std::string, RunLog>& logs = {});

/// Why a service is in its state: a sentence, the chain of causes as a tree with what those at its
/// ends wrote, who is held up by it, and what to type next.
std::string render_explanation(const protocol::Explanation& explanation,
                               const std::map<std::string, RunLog>& logs, const Look& look);

}  // namespace reeve::ctl
