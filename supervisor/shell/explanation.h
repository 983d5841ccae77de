#pragma once

#include "ctl/protocol/result.h"
#include "supervisor/core/engine.h"
#include "supervisor/shell/runs.h"

namespace reeve::shell {

/// The document that `why` answers with.
protocol::Explanation explain(const core::Engine& engine, const Runs& runs, const core::Unit& unit,
                              Time now);

/// How services failed lately, oldest first.
protocol::Failures failures_of(const core::Units& units,
                               const std::vector<core::ServiceId>& services, Time now);

/// When services ran lately, in the order of their names; with `run` only that one of each.
protocol::Runs runs_of(const core::Units& units, const std::vector<core::ServiceId>& services,
                       std::optional<int> run, Time now);

}  // namespace reeve::shell
