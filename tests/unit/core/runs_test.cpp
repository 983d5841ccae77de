#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

TEST(Runs, AreRememberedWithTheirEndsOnceTheyAreOver) {
    Scenario s({Service("web")});
    s.boot_up().pass(2s);
    EXPECT_TRUE(s.unit("web").ended_runs.empty());
    EXPECT_TRUE(s.unit("web").run_pid);
    const auto pid = s.unit("web").pid;
    s.exits("web", 3);
    const auto& runs = s.unit("web").ended_runs;
    ASSERT_EQ(runs.size(), 1u);
    EXPECT_EQ(runs[0].status, ExitStatus::exited(3));
    EXPECT_EQ(runs[0].ended - runs[0].started, 2s);
    EXPECT_EQ(runs[0].pid, pid);
}

TEST(Runs, ThatNeverCameToAProcessCountToo) {
    Scenario s({Service("web")});
    s.boot().spawn_fails("web");
    const auto& runs = s.unit("web").ended_runs;
    ASSERT_EQ(runs.size(), 1u);
    EXPECT_EQ(runs[0].status, ExitStatus::unknown());
    EXPECT_EQ(runs[0].pid, std::nullopt);
}

TEST(Runs, OfLateOnesAreKept) {
    Scenario s({Service("web")});
    s.boot_up();
    for (int code = 1; code <= 13; ++code) s.exits("web", code).pass(1min).up("web");
    const auto& runs = s.unit("web").ended_runs;
    ASSERT_EQ(runs.size(), 10u);
    EXPECT_EQ(runs.front().status, ExitStatus::exited(4));
    EXPECT_EQ(runs.back().status, ExitStatus::exited(13));
}

}  // namespace
}  // namespace reeve::test
