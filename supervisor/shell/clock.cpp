#include "supervisor/shell/clock.h"

#include <ctime>

namespace reeve::shell {

namespace {

Duration read(clockid_t clock) {
    timespec t{};
    ::clock_gettime(clock, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

}  // namespace

Time now() { return Time(read(CLOCK_MONOTONIC)); }

std::optional<Time> deadline_after(const std::optional<Duration>& timeout) {
    if (!timeout) return std::nullopt;
    return now() + *timeout;
}

WallTime wall_now() { return WallTime(read(CLOCK_REALTIME)); }

}  // namespace reeve::shell
