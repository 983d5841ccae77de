#pragma once

#include "base/result.h"
#include "base/time.h"
#include "ctl/log_folder.h"

namespace reeve::ctl {

/// Leaves out of a folder what was written after a moment, as if it had been looked at then. Finds
/// the place by halving, so that it costs the same in a log of any size: where the clock was set
/// back in between, it finds one of the places.
Result<void> cut_behind(LogFolder& folder, WallTime last);

}  // namespace reeve::ctl
