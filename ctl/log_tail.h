#pragma once

#include <cstdint>

#include "base/result.h"
#include "ctl/log_folder.h"
#include "ctl/log_query.h"

namespace reeve::ctl {

/// Where in a folder reading begins, so that every line that is wanted comes out whole.
struct LogStart {
    LogPlace place;
    std::uint64_t surplus = 0;   ///< whole lines that stand between here and the first wanted one
    std::uint64_t unwanted = 0;  ///< lines behind those that the query wants, and that are too many
    std::uint64_t lines = 0;     ///< of the number wanted, how many are there
};

/// For the lines that end behind a place: their parts may stand before it.
Result<LogStart> start_at(LogFolder& folder, LogPlace place);

/// For the last `wanted` lines that end between the places; reads backwards and no more than it
/// takes.
Result<LogStart> find_tail(LogFolder& folder, LogPlace from, LogPlace end, std::uint64_t wanted);

/// The same for the lines that the query wants.
Result<LogStart> find_matching_tail(LogFolder& folder, LogPlace from, LogPlace end,
                                    std::uint64_t wanted, const LogQuery& query);

}  // namespace reeve::ctl
