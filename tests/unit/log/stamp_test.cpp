#include "supervisor/log/stamp.h"

#include <gtest/gtest.h>

namespace reeve::log {
namespace {

WallTime at(std::int64_t seconds, std::int64_t nanoseconds) {
    return WallTime(std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds));
}

TEST(Stamp, IsWrittenInUtcWithNanoseconds) {
    StampWriter writer;
    EXPECT_EQ(writer.text(at(1795221600, 123456789)), "2026-11-21T00:40:00.123456789Z");
}

TEST(Stamp, FollowsTheClockWithinAndAcrossSeconds) {
    StampWriter writer;
    EXPECT_EQ(writer.text(at(951782399, 999999999)), "2000-02-28T23:59:59.999999999Z");
    EXPECT_EQ(writer.text(at(951782400, 0)), "2000-02-29T00:00:00.000000000Z");
    EXPECT_EQ(writer.text(at(951782400, 7)), "2000-02-29T00:00:00.000000007Z");
    EXPECT_EQ(writer.text(at(951782399, 1)), "2000-02-28T23:59:59.000000001Z");
}

TEST(Stamp, IsReadBackFromARecord) {
    StampWriter writer;
    const WallTime when = at(1795221600, 1002003);
    EXPECT_EQ(parse_stamp(std::string(writer.text(when)) + " stdout F x"), when);
    for (const char* bad :
         {"", "x", "2026-11-21T00:40:00.12345678Z ", "2026-13-21T00:40:00.123456789Z",
          "2026-11-21 00:40:00.123456789Z", "2026-11-21T24:40:00.123456789Z",
          "9999-11-21T00:40:00.123456789Z", "2026-11-21T00:4a:00.123456789Z"}) {
        EXPECT_FALSE(parse_stamp(bad)) << bad;
    }
}

TEST(Stamp, RotatedNamesCarryTheMomentAndSortByIt) {
    const WallTime when = at(1795221600, 123456789);
    EXPECT_EQ(rotated_name(when), "@20261121T004000.123456789Z.log");
    EXPECT_EQ(parse_rotated_name("@20261121T004000.123456789Z.log"), when);
    EXPECT_EQ(parse_rotated_name("@20261121T004000.123456789Z.log.zst"), when);
    EXPECT_LT(rotated_name(when), rotated_name(when + 1ns));
    for (const char* bad :
         {"current", "@", "@20261121T004000.123456789Z", "@x.log", "20261121T004000"}) {
        EXPECT_FALSE(parse_rotated_name(bad)) << bad;
    }
}

}  // namespace
}  // namespace reeve::log
