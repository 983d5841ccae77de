#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Forking, IsUpOnceItsMainProcessIsFound) {
    Scenario s({Service("a").forking("/run/a.pid"), Service("b").needs({"a"})});
    s.boot().spawned("a");
    EXPECT_EQ(s.state("a"), "starting");
    s.take();
    s.parent_exits("a");
    EXPECT_THAT(s.take(), ElementsAre("find main of a"));
    EXPECT_EQ(s.cause("a"), "not ready yet: awaits its PID file");
    s.main_found("a");
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_THAT(s.take(), ElementsAre("spawn b"));
}

TEST(Forking, SaysWhyItsMainProcessIsNotKnownYet) {
    Scenario s({Service("a").forking("/run/a.pid").start_timeout(5s)});
    s.boot().spawned("a").parent_exits("a");
    s.event(core::MainAwaited{s.run("a"), "its PID file names process 12, which is not of it"});
    EXPECT_EQ(s.cause("a"), "not ready yet: its PID file names process 12, which is not of it");
    s.take();
    s.pass(5s);
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM tree", "signal a SIGCONT tree"));
    s.tree_empties("a");
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_THAT(s.cause("a"), HasSubstr("not ready within 5 s (its PID file names process 12"));
}

TEST(Forking, FirstProcessThatFailsIsAFailedStart) {
    Scenario s({Service("a").forking()});
    s.boot().spawned("a").parent_exits("a", 3, false);
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "exit 3 after 0 s, before it was ready");
}

TEST(Forking, ThatLeavesNothingIsAFailedStart) {
    Scenario s({Service("a").forking()});
    s.boot().spawned("a").parent_exits("a", 0, false);
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_THAT(s.cause("a"), HasSubstr("before it was ready"));
}

TEST(Forking, WhoseRestEndsBeforeItIsFoundIsAFailedStart) {
    Scenario s({Service("a").forking("/run/a.pid")});
    s.boot().spawned("a").parent_exits("a").tree_empties("a");
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "ended before its main process was known (awaits its PID file)");
}

TEST(Forking, MainProcessThatEndsLaterIsJudgedAsAnyOther) {
    Scenario s({Service("a").forking()});
    s.boot().spawned("a").parent_exits("a").main_found("a").pass(1s).exits("a", 4);
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "exit 4 after 1 s");
}

TEST(Forking, IsStoppedByItsMainProcess) {
    Scenario s({Service("a").forking()});
    s.boot().spawned("a").parent_exits("a").main_found("a").take();
    s.stop({"a"});
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
    s.exits("a");
    EXPECT_THAT(s.take(), ElementsAre("reap a", "reply 1 a:done"));
}

TEST(Forking, ReadyBeforeItsMainProcessIsKnownIsReadyThen) {
    Scenario s({Service("a").forking().ready_by(config::LogCheck{"up"})});
    s.boot().spawned("a").ready("a");
    EXPECT_EQ(s.state("a"), "starting");
    s.parent_exits("a").main_found("a");
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Forking, MainFoundTooLateIsEndedWithTheRest) {
    Scenario s({Service("a").forking()});
    s.boot().spawned("a").parent_exits("a").stop({"a"}).main_found("a");
    EXPECT_EQ(s.unit("a").pid, std::nullopt);
    s.killed("a", SIGTERM);
    EXPECT_EQ(s.state("a"), "stopped");
}

TEST(Forking, MayNameItsMainProcessWhileItsFirstIsStillThere) {
    Scenario s({Service("a").forking("/run/a.pid")});
    s.boot().spawned("a").main_found("a");
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Forking, MainProcessThatEndsWellMayBeFollowedByAnother) {
    Scenario s({Service("a").forking("/run/a.pid").post_start({"once"})});
    s.boot().spawned("a").parent_exits("a").main_found("a").command_ends("a", true).take();
    s.pass(5s).exits("a", 0, true);
    EXPECT_THAT(s.take(), ElementsAre("find main of a"));
    EXPECT_EQ(s.cause("a"),
              "not ready yet: exit 0 after 5 s; awaits another process in its PID file");
    s.main_found("a");
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_EQ(s.cause("a"), "another process has followed its main process");
    EXPECT_THAT(s.take(), IsEmpty());
    EXPECT_EQ(s.unit("a").history.restarts, 0);
}

TEST(Forking, MainProcessThatEndsDuringTheCheckOfAReloadHasNotReloaded) {
    Scenario s({Service("a").forking("/run/a.pid").reload_check({"check"}),
                Service("b").forking("/run/b.pid").reload_command({"reread"})});
    s.boot().spawned("a").spawned("b").parent_exits("a").parent_exits("b");
    s.main_found("a").main_found("b").reload({"a"}).reload({"b"}).take();
    s.exits("a", 0, true);
    EXPECT_THAT(s.take(), ElementsAre("cancel a", "find main of a", "reply 1 a:failed"));
    s.exits("b", 0, true);
    EXPECT_THAT(s.take(), ElementsAre("cancel b", "find main of b", "reply 2 b:done"));
}

TEST(Forking, ThatIsNotFollowedHasEnded) {
    Scenario s({Service("a").forking("/run/a.pid")});
    s.boot().spawned("a").parent_exits("a").main_found("a").exits("a", 0, true).take();
    s.pass(2s);
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM tree", "signal a SIGCONT tree"));
    s.tree_empties("a");
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "exit 0 after 0 s");
}

TEST(Forking, MainProcessThatFailsIsNotFollowed) {
    Scenario s({Service("a").forking("/run/a.pid")});
    s.boot().spawned("a").parent_exits("a").main_found("a").take();
    s.killed("a", SIGKILL, true);
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM tree", "signal a SIGCONT tree"));
}

TEST(MainPid, IsWhateverTheServiceNames) {
    Scenario s({Service("a").notify()});
    s.boot_up().main_found("a");
    const auto pid = s.unit("a").pid;
    ASSERT_TRUE(pid);
    s.main_found("a");
    EXPECT_EQ(s.unit("a").pid, *pid + 1);
}

}  // namespace
}  // namespace reeve::test
