#pragma once

#include <array>
#include <cstdint>

#include "config/draft.h"
#include "config/fields.h"
#include "config/forms.h"

/// The parts of the table of a service that are below `backoff` and `restart_limit`.
namespace reeve::config {

inline constexpr std::int64_t kMostRestarts = 1'000'000;

inline constexpr std::array kBackoffKeys{
    Key{"initial", value_field<Kind::Duration, read_positive_duration, &Backoff::initial>, "100ms",
        "The wait before the first quick restart."},
    Key{"factor", value_field<Kind::Number, read_factor, &Backoff::factor>, "2",
        "How much longer each further one waits."},
    Key{"max", value_field<Kind::Duration, read_positive_duration, &Backoff::max>, "1m",
        "The longest wait."},
    Key{"jitter", value_field<Kind::Percent, read_percent, &Backoff::jitter>, "10%",
        "How far a wait may be off at random, so that services do not restart in step."},
    Key{"reset_after", value_field<Kind::Duration, read_positive_duration, &Backoff::reset_after>,
        "10s", "An exit after this long of running restarts at once, and counts anew."},
};

inline constexpr std::array kRestartLimitKeys{
    Key{"count", value_field<Kind::Integer, read_integer<1, kMostRestarts>, &RestartLimit::count>,
        "", "How many automatic restarts there may be"},
    Key{"within", value_field<Kind::Duration, read_positive_duration, &RestartLimit::within>, "",
        "in this time; the exit after them is final."},
};

}  // namespace reeve::config
