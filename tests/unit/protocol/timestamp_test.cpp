#include "ctl/protocol/timestamp.h"

#include <gtest/gtest.h>

#include "ctl/protocol/json_writer.h"
#include "ctl/protocol/utf8.h"

namespace reeve::protocol {
namespace {

WallTime at(std::int64_t ns) { return WallTime(std::chrono::nanoseconds(ns)); }

TEST(Timestamp, IsWrittenInUtcToTheMillisecond) {
    EXPECT_EQ(rfc3339(at(0)), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(rfc3339(at(1'795'221'600'123'999'999)), "2026-11-21T00:40:00.123Z");
    EXPECT_EQ(rfc3339(at(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(Timestamp, IsReadWithAnyFractionAndOffset) {
    EXPECT_EQ(parse_rfc3339("2026-11-21T00:40:00Z"), at(1'795'221'600'000'000'000));
    EXPECT_EQ(parse_rfc3339("2026-11-21T00:40:00.123456789Z"), at(1'795'221'600'123'456'789));
    EXPECT_EQ(parse_rfc3339("2026-11-21T00:40:00.1234567891234Z"), at(1'795'221'600'123'456'789));
    EXPECT_EQ(parse_rfc3339("2026-11-21 02:40:00.5+02:00"), at(1'795'221'600'500'000'000));
    EXPECT_EQ(parse_rfc3339("2026-11-20T19:10:00-05:30"), at(1'795'221'600'000'000'000));
}

TEST(Timestamp, ThatIsNoneIsNothing) {
    for (const char* text :
         {"", "now", "2026-11-21", "2026-11-21T00:40:00", "2026-13-21T00:40:00Z",
          "2026-02-29T00:40:00Z", "2026-11-21T24:40:00Z", "2026-11-21T00:40:00.Z",
          "2026-11-21T00:40:00Zx", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z"}) {
        EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
    }
}

TEST(JsonWriter, WritesDurationsAsExactSeconds) {
    const auto text = [](Duration d) {
        JsonWriter out;
        out.value(d);
        return out.take();
    };
    EXPECT_EQ(text(0s), "0");
    EXPECT_EQ(text(90min), "5400");
    EXPECT_EQ(text(250ms), "0.25");
    EXPECT_EQ(text(1ns), "0.000000001");
    EXPECT_EQ(text(-1500ms), "-1.5");
    EXPECT_EQ(text(Duration::min()), "-9223372036.854775808");
}

TEST(Utf8, KnowsWellFormedCharactersOnly) {
    EXPECT_EQ(utf8_at("\xe2\x82\xac", 0).code, 0x20acu);
    EXPECT_EQ(utf8_at("\xf0\x9f\x98\x80", 0).code, 0x1f600u);
    EXPECT_EQ(utf8_at("x\xc3\xa9", 1).length, 2u);
    for (const char* bad : {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80",
                            "\xf4\x90\x80\x80", "\xf8", "\xff", "\xe2\x82"}) {
        EXPECT_FALSE(utf8_at(bad, 0).valid) << bad;
        EXPECT_EQ(utf8_at(bad, 0).length, 1u);
    }
}

}  // namespace
}  // namespace reeve::protocol
