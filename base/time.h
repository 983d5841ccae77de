#pragma once

#include <chrono>
#include <cstdio>
#include <string>

namespace reeve {

using namespace std::chrono_literals;

using Duration = std::chrono::nanoseconds;

/// CLOCK_MONOTONIC, by name only: it has no now(), so that pure code cannot read a clock.
struct MonotonicClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonotonicClock, Duration>;
    static constexpr bool is_steady = true;
};

/// A moment on CLOCK_MONOTONIC: the only kind of time that the engine knows.
using Time = MonotonicClock::time_point;

/// A moment on CLOCK_REALTIME, for people and log files.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// A duration as a person says it, three digits at most: "120 ms", "4.2 s", "3 min 20 s",
/// "2 h 5 min", "3 d 4 h".
inline std::string in_words(Duration d) {
    using namespace std::chrono;
    if (d < Duration::zero()) return "-" + in_words(-d);
    if (d == Duration::zero()) return "0 s";
    char text[48];
    const double s = duration<double>(d).count();
    const auto whole = duration_cast<seconds>(d).count();
    if (d < 1us) {
        std::snprintf(text, sizeof text, "%lld ns", static_cast<long long>(d.count()));
    } else if (d < 1ms) {
        std::snprintf(text, sizeof text, "%.0f us", s * 1e6);
    } else if (d < 999500us) {
        std::snprintf(text, sizeof text, "%.0f ms", s * 1e3);
    } else if (whole < 60) {
        const bool round = d - seconds(whole) < 50ms && whole > 0;
        std::snprintf(text, sizeof text, round || s >= 10 ? "%.0f s" : "%.1f s", s);
    } else if (whole < 3600) {
        std::snprintf(text, sizeof text, whole % 60 ? "%lld min %lld s" : "%lld min",
                      static_cast<long long>(whole / 60), static_cast<long long>(whole % 60));
    } else if (whole < 86400) {
        std::snprintf(text, sizeof text, whole / 60 % 60 ? "%lld h %lld min" : "%lld h",
                      static_cast<long long>(whole / 3600),
                      static_cast<long long>(whole / 60 % 60));
    } else {
        std::snprintf(text, sizeof text, whole / 3600 % 24 ? "%lld d %lld h" : "%lld d",
                      static_cast<long long>(whole / 86400),
                      static_cast<long long>(whole / 3600 % 24));
    }
    return text;
}

}  // namespace reeve
