#pragma once

#include <string>
#include <vector>

#include "ctl/look.h"
#include "ctl/protocol/result.h"
#include "ctl/run_log.h"

namespace reeve::ctl {

/// Whether there was a process, rather than something that kept it from being started.
bool has_run(const protocol::FailureRecord& failure);

/// How services failed, newest last: a block each, with the last lines of the run. `logs` holds as
/// many as there are failures.
std::string render_failures(const std::vector<protocol::FailureRecord>& failures,
                            const std::vector<RunLog>& logs, const Look& look);

}  // namespace reeve::ctl
