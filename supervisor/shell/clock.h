#pragma once

#include <optional>

#include "base/time.h"

namespace reeve::shell {

/// CLOCK_MONOTONIC now: the one place of the supervisor that reads it.
Time now();

/// When so much time will have passed from now on; never, where there is no limit.
std::optional<Time> deadline_after(const std::optional<Duration>& timeout);

/// CLOCK_REALTIME now, for people.
WallTime wall_now();

}  // namespace reeve::shell
