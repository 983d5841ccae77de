#include "supervisor/core/policy.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/plan_builder.h"

namespace reeve::test {
namespace {

using namespace core;

RunEnd quick(int code) { return RunEnd{ExitStatus::exited(code), false, 0s}; }

TEST(BackoffDelay, GrowsByItsFactorUpToItsMost) {
    const config::Backoff backoff{100ms, 3, 2s, 0, 10s};
    EXPECT_EQ(backoff_delay(backoff, 0), 100ms);
    EXPECT_EQ(backoff_delay(backoff, 1), 300ms);
    EXPECT_EQ(backoff_delay(backoff, 2), 900ms);
    EXPECT_EQ(backoff_delay(backoff, 3), 2s);
}

TEST(BackoffDelay, DoesNotOverflowHoweverOftenItFails) {
    const config::Backoff backoff{100ms, 10, std::chrono::hours(24 * 365), 0, 10s};
    EXPECT_EQ(backoff_delay(backoff, 1000), backoff.max);
    EXPECT_EQ(backoff_delay(backoff, std::numeric_limits<int>::max()), backoff.max);
}

TEST(BackoffDelay, OfNothingStaysNothing) {
    const config::Backoff backoff{0s, 2, 1min, 0, 10s};
    EXPECT_EQ(backoff_delay(backoff, 0), 0s);
    EXPECT_EQ(backoff_delay(backoff, 5000), 0s);
}

TEST(BackoffDelay, WithAFactorOfOneStaysTheSame) {
    const config::Backoff backoff{1s, 1, 1min, 0, 10s};
    EXPECT_EQ(backoff_delay(backoff, 50), 1s);
}

TEST(Judge, RestartAfterALongRunIsAtOnceAndForgetsQuickExits) {
    Random random(1);
    RestartHistory history;
    const config::Service service = Service("a").made;
    const Time now{1h};
    EXPECT_EQ(std::get<RestartAfter>(judge(service, quick(1), history, random, now)).delay, 100ms);
    EXPECT_EQ(history.quick_exits, 1);
    const RunEnd lasting{ExitStatus::exited(1), false, 10s};
    EXPECT_EQ(std::get<RestartAfter>(judge(service, lasting, history, random, now)).delay, 0s);
    EXPECT_EQ(history.quick_exits, 0);
    EXPECT_EQ(history.restarts, 2);
}

TEST(Judge, FailedStartIsQuickHoweverLongItTook) {
    Random random(1);
    RestartHistory history;
    const RunEnd end{ExitStatus::exited(0), true, 1h};
    const Verdict verdict = judge(Service("a").made, end, history, random, Time{1h});
    EXPECT_EQ(std::get<RestartAfter>(verdict).delay, 100ms);
}

TEST(Judge, EndThatNobodySawWaitsAsAfterTheLastQuickOne) {
    Random random(1);
    const config::Service service = Service("a").backoff({100ms, 3, 1min, 0, 10s}).made;
    const RunEnd unseen{ExitStatus::exited(1), false, 1h, false, true};
    const auto delay = [&](RestartHistory& history) {
        return std::get<RestartAfter>(judge(service, unseen, history, random, Time{1h})).delay;
    };
    for (const auto& [quick_exits, expected] :
         {std::pair{0, 100ms}, std::pair{1, 100ms}, std::pair{2, 300ms}, std::pair{3, 900ms}}) {
        RestartHistory history{quick_exits, quick_exits, {}};
        EXPECT_EQ(delay(history), expected);
        EXPECT_EQ(history.quick_exits, quick_exits);
        EXPECT_EQ(history.restarts, quick_exits + 1);
    }
}

TEST(Judge, LimitCountsRestartsInItsWindowOnly) {
    Random random(1);
    RestartHistory history;
    const config::Service service = Service("a").backoff({0s, 1, 0s, 0, 0s}).limit(2, 10s).made;
    EXPECT_TRUE(std::holds_alternative<RestartAfter>(
        judge(service, quick(1), history, random, Time{100s})));
    EXPECT_TRUE(std::holds_alternative<RestartAfter>(
        judge(service, quick(1), history, random, Time{105s})));
    RestartHistory full = history;
    EXPECT_TRUE(std::get<EndAsFailed>(judge(service, quick(1), full, random, Time{110s - 1ns}))
                    .limit_reached);
    EXPECT_TRUE(std::holds_alternative<RestartAfter>(
        judge(service, quick(1), history, random, Time{110s})));
}

TEST(Judge, FinalExitIsNotTheLimits) {
    Random random(1);
    RestartHistory history;
    const config::Service service = Service("a").restart(config::RestartPolicy::Never).made;
    EXPECT_FALSE(
        std::get<EndAsFailed>(judge(service, quick(1), history, random, Time{})).limit_reached);
}

TEST(RandomNumbers, ReplayFromTheirSeedAndSpreadEvenly) {
    Random a(42), b(42), c(43);
    EXPECT_EQ(a.next(), b.next());
    EXPECT_NE(a.next(), c.next());
    double sum = 0;
    for (int i = 0; i < 10'000; ++i) {
        const double fraction = a.fraction();
        EXPECT_GE(fraction, 0);
        EXPECT_LT(fraction, 1);
        sum += fraction;
    }
    EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}

}  // namespace
}  // namespace reeve::test
