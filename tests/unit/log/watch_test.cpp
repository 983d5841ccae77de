#include <poll.h>
#include <sys/eventfd.h>

#include "tests/unit/log/collector_fixture.h"

namespace reeve::log {
namespace {

/// Counts what a watch finds.
struct WatchTest : CollectorTest {
    Result<> watch(const Collector::Ends& ends, const std::string& pattern) {
        return collector->watch("web", ends, pattern, [this] {
            const std::uint64_t one = 1;
            if (::write(found.get(), &one, sizeof one) < 0) std::abort();
        });
    }
    /// How often it was found since the last question, once all that was written has been read.
    std::uint64_t times_found() {
        drain("web");
        std::uint64_t count = 0;
        return ::read(found.get(), &count, sizeof count) < 0 ? 0 : count;
    }

    Fd found{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

TEST_F(WatchTest, FindsALineThatMatchesSomewhereOnce) {
    start();
    const auto ends = open("web");
    ASSERT_TRUE(watch(ends, "listening on [0-9]+"));
    put(ends.out.get(), "starting\nlistening on nothing\n");
    EXPECT_EQ(times_found(), 0u);
    put(ends.out.get(), "now listening on 80 and more\nlistening on 81\n");
    EXPECT_EQ(times_found(), 1u);
    put(ends.out.get(), "listening on 82\n");
    EXPECT_EQ(times_found(), 0u);
}

TEST_F(WatchTest, LooksAtBothOutputs) {
    start();
    const auto ends = open("web");
    ASSERT_TRUE(watch(ends, "^ready$"));
    put(ends.out.get(), "not ready\n");
    put(ends.err.get(), "ready\n");
    EXPECT_EQ(times_found(), 1u);
}

TEST_F(WatchTest, LooksAtWholeLinesHoweverTheyCome) {
    start();
    const auto ends = open("web");
    ASSERT_TRUE(watch(ends, "^up and running$"));
    put(ends.out.get(), "up ");
    EXPECT_EQ(times_found(), 0u);
    put(ends.err.get(), "up and walking\n");
    put(ends.out.get(), "and running");
    EXPECT_EQ(times_found(), 0u) << "the line has not ended";
    put(ends.out.get(), "\n");
    EXPECT_EQ(times_found(), 1u);
}

TEST_F(WatchTest, WhatAnEarlierStartWroteDoesNotCount) {
    start();
    const auto earlier = open("web");
    // More than is read at once, so that some of it is surely still in the pipe.
    for (int i = 0; i < 2000; ++i) put(earlier.out.get(), "ready ready ready ready\n");
    put(earlier.err.get(), "half a line of the earlier one, ");
    const auto ends = open("web");
    ASSERT_TRUE(watch(ends, "^ready"));
    EXPECT_EQ(times_found(), 0u);
    put(ends.err.get(), "ready\n");
    EXPECT_EQ(times_found(), 1u);
}

TEST_F(WatchTest, WorksWithoutAFileAndWithoutARuntimeDirectory) {
    runtime.clear();
    start();
    const auto ends = open("web", {.to_file = false, .to_console = false});
    ASSERT_TRUE(watch(ends, "ready"));
    put(ends.out.get(), "ready\n");
    EXPECT_EQ(times_found(), 1u);
}

TEST_F(WatchTest, AnEndlessLineCostsNoMemoryAndHidesNothingBehindIt) {
    start();
    const auto ends = open("web");
    ASSERT_TRUE(watch(ends, "ready$"));
    const std::string much(1000, 'x');
    for (int i = 0; i < 1000; ++i) put(ends.out.get(), much);
    put(ends.out.get(), "ready\nready\n");
    EXPECT_EQ(times_found(), 1u);
}

TEST_F(WatchTest, IsOverOnceItIsTakenBack) {
    start();
    const auto ends = open("web");
    ASSERT_TRUE(watch(ends, "ready"));
    collector->unwatch("web");
    put(ends.out.get(), "ready\n");
    EXPECT_EQ(times_found(), 0u);
}

TEST_F(WatchTest, RefusesAPatternThatIsNone) {
    start();
    const auto ends = open("web");
    const auto set = watch(ends, "(ready");
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().text(), "cannot look for '(ready': missing ): (ready");
}

}  // namespace
}  // namespace reeve::log
