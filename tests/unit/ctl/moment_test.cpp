#include "ctl/moment.h"

#include <gtest/gtest.h>

#include "ctl/protocol/timestamp.h"

namespace reeve::ctl {
namespace {

WallTime utc(const char* text) { return *protocol::parse_rfc3339(text); }

/// Two hours before UTC all the year, without asking the machine.
Zone two_hours_ahead() {
    Zone zone;
    zone.clock = [](WallTime moment) {
        const std::time_t second = std::chrono::system_clock::to_time_t(
            std::chrono::floor<std::chrono::seconds>(moment + 2h));
        std::tm shown{};
        gmtime_r(&second, &shown);
        return shown;
    };
    zone.moment = [](std::tm shown) {
        return std::optional(WallTime(std::chrono::seconds(timegm(&shown))) - 2h);
    };
    return zone;
}

const WallTime now = utc("2026-11-21T23:30:00.5Z");  // 01:30 of the 22nd, there

std::string moment(std::string_view text) {
    const auto found = parse_moment(text, now, two_hours_ahead());
    return found ? protocol::rfc3339_exact(*found) : "none";
}

TEST(Moment, IsWhatRfc3339Says) {
    EXPECT_EQ(moment("2026-11-21T10:00:00.123456789Z"), "2026-11-21T10:00:00.123456789Z");
    EXPECT_EQ(moment("2026-11-21 10:00:00+05:30"), "2026-11-21T04:30:00.000000000Z");
}

TEST(Moment, WithoutAZoneIsInTheCallersOwn) {
    EXPECT_EQ(moment("2026-11-21 10:00"), "2026-11-21T08:00:00.000000000Z");
    EXPECT_EQ(moment("2026-11-21T10:00:30"), "2026-11-21T08:00:30.000000000Z");
    EXPECT_EQ(moment("2026-11-21 10:00:30.25"), "2026-11-21T08:00:30.250000000Z");
    EXPECT_EQ(moment("2026-11-21"), "2026-11-20T22:00:00.000000000Z");
    EXPECT_EQ(moment("2024-02-29"), "2024-02-28T22:00:00.000000000Z");
}

TEST(Moment, OfAClockIsToday) {
    EXPECT_EQ(moment("10:00"), "2026-11-22T08:00:00.000000000Z");
    EXPECT_EQ(moment("00:00:01.5"), "2026-11-21T22:00:01.500000000Z");
}

TEST(Moment, HasWords) {
    EXPECT_EQ(moment("now"), "2026-11-21T23:30:00.500000000Z");
    EXPECT_EQ(moment("today"), "2026-11-21T22:00:00.000000000Z");
    EXPECT_EQ(moment("yesterday"), "2026-11-20T22:00:00.000000000Z");
}

TEST(Moment, GoesBackFromNow) {
    EXPECT_EQ(moment("10m"), "2026-11-21T23:20:00.500000000Z");
    EXPECT_EQ(moment("1h30m"), "2026-11-21T22:00:00.500000000Z");
    EXPECT_EQ(moment("2d"), "2026-11-19T23:30:00.500000000Z");
    EXPECT_EQ(moment("-500ms"), "2026-11-21T23:30:00.000000000Z");
    EXPECT_EQ(moment("5s ago"), "2026-11-21T23:29:55.500000000Z");
}

TEST(Moment, IsNothingElse) {
    for (const char* text : {"",
                             "10",
                             "10:0",
                             "1:00",
                             "25:00",
                             "10:60",
                             "10:00Z",
                             "10:00:00.",
                             "2026-02-30",
                             "2026-11-21 ",
                             "2026-11-21 10",
                             "2026-11-21x10:00",
                             "2026-11-21 10:00 ",
                             "21.11.2026",
                             "tomorrow",
                             "Today",
                             "10 m",
                             "m",
                             "ago",
                             "-",
                             "--5m",
                             "10m later"}) {
        EXPECT_EQ(moment(text), "none") << text;
    }
}

TEST(Moment, OfTheOwnZoneIsWhatTheSystemSays) {
    const Zone zone = Zone::own();
    const auto shown = zone.clock(now);
    EXPECT_EQ(zone.moment(shown), now - 500ms);
}

}  // namespace
}  // namespace reeve::ctl
