#pragma once

#include "ctl/arguments.h"
#include "ctl/exit.h"
#include "ctl/log_query.h"
#include "ctl/moment.h"

namespace reeve::ctl {

/// What the caller wants of logs, from the options of the command line; a complaint about those
/// that mean nothing. Not yet what --run means, which a supervisor has to tell.
Attempt<LogQuery> query_of(const Invocation& invocation, WallTime now, const Zone& zone);

}  // namespace reeve::ctl
