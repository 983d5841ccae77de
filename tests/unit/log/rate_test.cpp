#include "supervisor/log/rate.h"

#include <gtest/gtest.h>

namespace reeve::log {
namespace {

constexpr config::LogRate kThreeInASecond{.lines = 3, .per = 1s};

TEST(RateWindow, LetsSoManyLinesThroughAndNoMore) {
    RateWindow window;
    const Time now{};
    EXPECT_EQ(window.left(kThreeInASecond, now), 3u);
    window.use(2);
    EXPECT_EQ(window.left(kThreeInASecond, now + 1ms), 1u);
    window.use(1);
    EXPECT_EQ(window.left(kThreeInASecond, now + 999ms), 0u);
}

TEST(RateWindow, BeginsAgainWithTheFirstLineAfterItsEnd) {
    RateWindow window;
    const Time now = Time{} + 7s;
    window.left(kThreeInASecond, now);
    window.use(3);
    EXPECT_EQ(window.left(kThreeInASecond, now + 1s), 3u);
    window.use(3);
    EXPECT_EQ(window.left(kThreeInASecond, now + 1999ms), 0u);
    EXPECT_EQ(window.left(kThreeInASecond, now + 2s), 3u);
}

TEST(RateWindow, FollowsARateThatChanges) {
    RateWindow window;
    window.left(kThreeInASecond, Time{});
    window.use(3);
    EXPECT_EQ(window.left({.lines = 5, .per = 1s}, Time{}), 2u);
    EXPECT_EQ(window.left({.lines = 1, .per = 1s}, Time{}), 0u);
}

}  // namespace
}  // namespace reeve::log
