#include "ctl/moment.h"

#include <string>

#include "config/values.h"
#include "ctl/protocol/timestamp.h"

namespace reeve::ctl {

namespace {

using namespace std::chrono;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "10:00", "10:00:30", "10:00:30.25" as the time since midnight.
std::optional<Duration> parse_clock(std::string_view text) {
    std::string full(text);
    if (full.size() == 5) full += ":00";
    // The rest of what RFC 3339 wants; there, too, a clock has two digits for each.
    const auto moment = protocol::parse_rfc3339("1970-01-01T" + full + "Z");
    const bool plain = full.size() >= 8 && (is_digit(full.back()));
    if (!moment || !plain) return std::nullopt;
    return moment->time_since_epoch();
}

std::optional<std::tm> parse_date(std::string_view text) {
    const auto midnight = protocol::parse_rfc3339(std::string(text) + "T00:00:00Z");
    if (!midnight || text.size() != 10) return std::nullopt;
    const year_month_day date(floor<days>(*midnight));
    std::tm day{};
    day.tm_year = static_cast<int>(date.year()) - 1900;
    day.tm_mon = static_cast<int>(static_cast<unsigned>(date.month())) - 1;
    day.tm_mday = static_cast<int>(static_cast<unsigned>(date.day()));
    return day;
}

/// When clocks show `clock` on a day.
std::optional<WallTime> on_day(std::tm day, Duration clock, const Zone& zone) {
    const auto whole = floor<seconds>(clock);
    day.tm_hour = static_cast<int>(whole.count() / 3600);
    day.tm_min = static_cast<int>(whole.count() / 60 % 60);
    day.tm_sec = static_cast<int>(whole.count() % 60);
    day.tm_isdst = -1;
    const auto moment = zone.moment(day);
    if (!moment) return std::nullopt;
    return *moment + (clock - whole);
}

std::optional<WallTime> parse_ago(std::string_view text, WallTime now) {
    if (text.starts_with('-')) text.remove_prefix(1);
    if (text.ends_with(" ago")) text.remove_suffix(4);
    // Without a unit it could mean anything.
    if (text.empty() || is_digit(text.back())) return std::nullopt;
    const auto duration = config::parse_duration(text);
    if (!duration) return std::nullopt;
    return now - *duration;
}

std::optional<WallTime> parse_date_and_clock(std::string_view text, const Zone& zone) {
    const auto day = parse_date(text.substr(0, 10));
    if (!day) return std::nullopt;
    if (text.size() == 10) return on_day(*day, {}, zone);
    if (text[10] != ' ' && text[10] != 'T' && text[10] != 't') return std::nullopt;
    const auto clock = parse_clock(text.substr(11));
    return clock ? on_day(*day, *clock, zone) : std::nullopt;
}

}  // namespace

Zone Zone::own() {
    Zone zone;
    zone.clock = [](WallTime moment) {
        const std::time_t second = system_clock::to_time_t(floor<seconds>(moment));
        std::tm shown{};
        localtime_r(&second, &shown);
        return shown;
    };
    zone.moment = [](std::tm shown) -> std::optional<WallTime> {
        // mktime(3) gives -1 for a second of 1969 as well, which nobody looks for in a log.
        const std::time_t second = mktime(&shown);
        if (second == -1) return std::nullopt;
        return WallTime(seconds(second));
    };
    return zone;
}

std::optional<WallTime> parse_moment(std::string_view text, WallTime now, const Zone& zone) {
    if (text == "now") return now;
    std::tm today = zone.clock(now);
    if (text == "today") return on_day(today, {}, zone);
    if (text == "yesterday") {
        --today.tm_mday;  // the zone makes a date of it that exists
        return on_day(today, {}, zone);
    }
    if (const auto moment = protocol::parse_rfc3339(text)) return moment;
    if (const auto clock = parse_clock(text)) return on_day(today, *clock, zone);
    if (const auto moment = parse_date_and_clock(text, zone)) return moment;
    return parse_ago(text, now);
}

}  // namespace reeve::ctl
