#pragma once

#include "base/result.h"
#include "base/time.h"
#include "ctl/log_folder.h"

namespace reeve::ctl {

/// Where the first record begins that was written at a moment or after it; the end when there is
/// none. Finds the place by halving, first among the files and then within one, so that it costs
/// about the same in a log of any size: where the clock was set back in between, it finds one of
/// the places.
Result<LogPlace> place_of(LogFolder& folder, WallTime moment);

/// Where the next record begins that begins at `from` or behind it; `end` when none does before
/// that.
Result<std::uint64_t> next_record(LogText& text, std::uint64_t from, std::uint64_t end);

}  // namespace reeve::ctl
