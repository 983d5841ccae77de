#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace reeve::protocol {

/// A moment as RFC 3339 writes it, in UTC, to the millisecond: "2026-11-21T00:40:00.123Z".
std::string rfc3339(WallTime time);

/// The same to the nanosecond, as log files have it.
std::string rfc3339_exact(WallTime time);

/// The moment that an RFC 3339 text names, with any number of decimals and any offset; nothing for
/// anything else.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace reeve::protocol
