#include "ctl/protocol/timestamp.h"

#include <cstdio>

namespace reeve::protocol {

namespace {

using namespace std::chrono;

/// Takes numbers and separators off the front of a text; once something did not fit, ok is false.
struct Cursor {
    std::string_view rest;
    bool ok = true;

    int digits(std::size_t count) {
        int value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (rest.empty() || rest.front() < '0' || rest.front() > '9') {
                ok = false;
                return 0;
            }
            value = value * 10 + (rest.front() - '0');
            rest.remove_prefix(1);
        }
        return value;
    }

    char one_of(std::string_view allowed) {
        if (rest.empty() || allowed.find(rest.front()) == std::string_view::npos) {
            ok = false;
            return 0;
        }
        const char found = rest.front();
        rest.remove_prefix(1);
        return found;
    }

    Duration fraction() {
        if (!rest.starts_with('.')) return {};
        rest.remove_prefix(1);
        if (rest.empty() || rest.front() < '0' || rest.front() > '9') ok = false;
        nanoseconds::rep value = 0;
        nanoseconds::rep unit = 100'000'000;
        while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
            value += (rest.front() - '0') * unit;
            unit /= 10;
            rest.remove_prefix(1);
        }
        return nanoseconds(value);
    }

    minutes offset() {
        const char sign = one_of("Zz+-");
        if (sign == 'Z' || sign == 'z' || !ok) return {};
        const int hour = digits(2);
        one_of(":");
        const int minute = digits(2);
        if (hour > 23 || minute > 59) ok = false;
        return minutes((hour * 60 + minute) * (sign == '-' ? -1 : 1));
    }
};

/// "2026-11-21T00:40:00"
std::string to_second(WallTime time) {
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const auto second = floor<seconds>(time - day).count();
    char text[40];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(second / 3600), static_cast<int>(second / 60 % 60),
                  static_cast<int>(second % 60));
    return text;
}

/// Behind the second, cut off: ".123"
std::string decimals(WallTime time, std::size_t count) {
    char text[16];
    std::snprintf(text, sizeof text, ".%09d",
                  static_cast<int>((time - floor<seconds>(time)).count()));
    return std::string(text, 1 + count);
}

}  // namespace

std::string rfc3339(WallTime time) { return to_second(time) + decimals(time, 3) + "Z"; }

std::string rfc3339_exact(WallTime time) { return to_second(time) + decimals(time, 9) + "Z"; }

std::optional<WallTime> parse_rfc3339(std::string_view text) {
    Cursor in{text};
    const year y(in.digits(4));
    in.one_of("-");
    const month m(static_cast<unsigned>(in.digits(2)));
    in.one_of("-");
    const day d(static_cast<unsigned>(in.digits(2)));
    in.one_of("Tt ");
    const int hour = in.digits(2);
    in.one_of(":");
    const int minute = in.digits(2);
    in.one_of(":");
    const int second = in.digits(2);
    const Duration fraction = in.fraction();
    const minutes offset = in.offset();
    const year_month_day date{y, m, d};
    // Beyond these years nanoseconds no longer fit 64 bits.
    const bool fits = y >= year(1678) && y <= year(2261);
    if (!in.ok || !in.rest.empty() || !fits || !date.ok()) return std::nullopt;
    if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
    return WallTime(sys_days(date)) + hours(hour) + minutes(minute) + seconds(second) + fraction -
           offset;
}

}  // namespace reeve::protocol
