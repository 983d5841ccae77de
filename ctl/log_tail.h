#pragma once

#include <cstdint>

#include "base/result.h"
#include "ctl/log_folder.h"

namespace reeve::ctl {

/// Where in a folder the last lines begin.
struct TailPosition {
    std::size_t segment = 0;
    std::uint64_t offset = 0;
    std::uint64_t lines = 0;    ///< how many lines were wanted and are there
    std::uint64_t surplus = 0;  ///< whole lines that stand between here and the first wanted one
};

/// Finds the last `wanted` lines, reading backwards and no more than it takes.
Result<TailPosition> find_tail(const LogFolder& folder, std::uint64_t wanted);

}  // namespace reeve::ctl
