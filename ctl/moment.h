#pragma once

#include <ctime>
#include <functional>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace reeve::ctl {

/// A time zone: the caller's, or a test's.
struct Zone {
    /// What clocks show there at a moment.
    std::function<std::tm(WallTime)> clock;
    /// When they show that; nothing when it cannot be told.
    std::function<std::optional<WallTime>(std::tm)> moment;

    /// As localtime(3) and mktime(3) have it.
    static Zone own();
};

/// What parse_moment() understands, for messages.
inline constexpr std::string_view moment_forms =
    "write such as 10m or 1h30m (ago), 10:00, yesterday, 2026-11-21, \"2026-11-21 10:00\" or "
    "2026-11-21T10:00:00Z";

/// The moment that a person means: RFC 3339, which has its zone, or in the zone given a date, a
/// date and a clock ("2026-11-21 10:00:30.5"), a clock today ("10:00"); "now", "today" and
/// "yesterday", which begin at midnight; or how long ago ("10m", "-10m", "10m ago"). Nothing for
/// anything else.
std::optional<WallTime> parse_moment(std::string_view text, WallTime now, const Zone& zone);

}  // namespace reeve::ctl
