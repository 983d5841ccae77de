#include "supervisor/os/start_mark.h"

#include <algorithm>

namespace reeve::os {
namespace {

Duration read(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec);
}

/// By the clock that the kernel stamps files with, which lags a few milliseconds behind.
WallTime wall_clock() { return WallTime(read(CLOCK_REALTIME_COARSE)); }
Time monotonic_clock() { return Time(read(CLOCK_MONOTONIC)); }

}  // namespace

StartMark StartMark::now() { return {wall_clock(), monotonic_clock()}; }

bool StartMark::is_after(const timespec& file) const {
    // What the clock would have said at the start if it had been set before: a file may have been
    // written on either side of that.
    const WallTime by_present_clock = wall_clock() - (monotonic_clock() - monotonic_);
    WallTime start = std::min(wall_, by_present_clock);
    // Some file systems keep whole seconds only.
    if (file.tv_nsec == 0) start = std::chrono::floor<std::chrono::seconds>(start);
    return WallTime(std::chrono::seconds(file.tv_sec) + Duration(file.tv_nsec)) < start;
}

}  // namespace reeve::os
