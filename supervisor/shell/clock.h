#pragma once

#include "base/time.h"

namespace reeve::shell {

/// CLOCK_MONOTONIC now: the one place of the supervisor that reads it.
Time now();

/// CLOCK_REALTIME now, for people.
WallTime wall_now();

}  // namespace reeve::shell
