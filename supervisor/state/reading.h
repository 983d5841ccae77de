#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/plan.h"
#include "supervisor/state/definitions.h"
#include "supervisor/state/recorder.h"
#include "supervisor/state/store_format.h"

namespace reeve::state {

/// What a file's records say, so that an engine can be made of it.
struct Reading {
    std::optional<Predecessor> predecessor;
    std::vector<Key> unusable;  ///< records that were dropped, or of kinds that are not known
    std::vector<std::string> problems;  ///< a sentence for each record that was dropped
};

/// `definitions` learns which ones are written down. `now` as in Recorder::open(); null if nobody
/// knows, so that the supervisor's own settings are taken from what is written down as well.
Reading read_back(const Contents& contents, const config::PlanPtr& now, Definitions& definitions);

}  // namespace reeve::state
