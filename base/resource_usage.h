#pragma once

#include <cstdint>

#include "base/time.h"

namespace reeve {

/// What a process used up in its life, its waited-for children's lives included.
struct ResourceUsage {
    Duration user{};
    Duration system{};
    std::uint64_t max_rss = 0;  ///< bytes

    bool operator==(const ResourceUsage&) const = default;
};

}  // namespace reeve
