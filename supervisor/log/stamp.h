#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace reeve::log {

/// Length of a moment as log records carry it: 2026-11-21T00:40:00.123456789Z.
inline constexpr std::size_t kStampBytes = 30;

/// Writes moments as log records carry them, in UTC. It remembers the second that it wrote last, so
/// that many moments within one second cost nine digits each.
class StampWriter {
  public:
    /// Valid until the next call.
    std::string_view text(WallTime when);

  private:
    std::int64_t second_ = std::numeric_limits<std::int64_t>::min();
    std::array<char, kStampBytes> text_{};
};

/// The moment at the front of a record; nothing where there is none.
std::optional<WallTime> parse_stamp(std::string_view record);

/// The name of a log file rotated at that moment: @20261121T004000.123456789Z.log. Names sort by
/// time.
std::string rotated_name(WallTime when);

/// The moment in a name that rotated_name made, whatever follows ".log"; nothing for other names.
std::optional<WallTime> parse_rotated_name(std::string_view name);

}  // namespace reeve::log
