#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Reloading, IsOverAtReadyAfterReloading) {
    Scenario s({Service("a").notify().reload()});
    s.boot_up().reload({"a"});
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGHUP"));
    s.says({.run = s.run("a"), .reloading = true}).pass(20s);
    EXPECT_EQ(s.state("a"), "reloading");
    s.ready("a");
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done"));
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_EQ(s.cause("a"), "reloaded, as it says");
}

TEST(Reloading, OfOneThatSaysNothingIsWaitedForOnceAndNotAgain) {
    Scenario s({Service("a").notify().reload()});
    s.boot_up().reload({"a"}).take();
    s.pass(1s);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done"));
    s.reload({"a"});
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGHUP", "reply 2 a:done"));
}

TEST(Reloading, OfOneThatDoesNotSpeakIsOverOnceTheSignalIsSent) {
    Scenario s({Service("a").probed().reload()});
    s.boot_up().reload({"a"});
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGHUP", "reply 1 a:done"));
}

TEST(Reloading, ThatBeganBeforeItWasAskedForIsNotTheAnswer) {
    Scenario s({Service("a").notify().reload()});
    s.boot_up().says({.run = s.run("a"), .reloading = true}).ready("a").reload({"a"}).take();
    s.says({.run = s.run("a"), .reloading = true, .reloading_since = s.now() - 1s}).ready("a");
    EXPECT_EQ(s.state("a"), "reloading");
    s.says({.run = s.run("a"), .reloading = true, .reloading_since = s.now()}).ready("a");
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done"));
}

TEST(Reloading, ThatDoesNotEndInTimeHasFailed) {
    Scenario s({Service("a").notify().reload()});
    s.boot_up().reload({"a"}).says({.run = s.run("a"), .reloading = true}).take();
    s.pass(60s);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:failed"));
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_EQ(s.told(1), "its reload has not ended: no READY=1 in time");
}

TEST(Reloading, IsWaitedForWhereverTheServiceTellsOfIt) {
    Scenario s({Service("a").probed().watchdog(1h).reload()});
    s.boot_up().reload({"a"}).says({.run = s.run("a"), .reloading = true}).take();
    s.says({.run = s.run("a"), .ready = true});
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done"));
}

TEST(Reloading, ByItselfIsShown) {
    Scenario s({Service("a").notify()});
    s.boot_up().says({.run = s.run("a"), .reloading = true});
    EXPECT_EQ(s.state("a"), "reloading");
    s.ready("a");
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Reloading, AnsweredWhileTheCommandStillRunsIsOverWithIt) {
    Scenario s({Service("a").notify().reload_command({"reread"})});
    s.boot_up().reload({"a"}).says({.run = s.run("a"), .reloading = true}).ready("a").take();
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done"));
}

TEST(SaysStopping, IsStoppingWithoutASignalAndJudgedByItsEnd) {
    Scenario s({Service("a").notify()});
    s.boot_up().says({.run = s.run("a"), .stopping = true});
    EXPECT_EQ(s.state("a"), "stopping");
    EXPECT_THAT(s.take(), IsEmpty());
    s.pass(1s).exits("a", 1);
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "exit 1 after 1 s");
}

TEST(SaysStopping, IsHeardDuringPostStart) {
    Scenario s({Service("a").notify().post_start({"tell"})});
    s.boot().spawned("a").ready("a").says({.run = s.run("a"), .stopping = true});
    EXPECT_EQ(s.state("a"), "stopping");
    s.command_ends("a", false).exits("a", 1);
    EXPECT_EQ(s.state("a"), "backoff");
}

TEST(SaysStopping, IsFinal) {
    Scenario s({Service("a").notify()});
    s.boot_up().says({.run = s.run("a"), .stopping = true}).ready("a");
    EXPECT_EQ(s.state("a"), "stopping");
}

TEST(SaysStopping, AndDoesNotStopIsKilled) {
    Scenario s({Service("a").notify().stop_timeout(3s)});
    s.boot_up().says({.run = s.run("a"), .stopping = true}).pass(3s);
    EXPECT_THAT(s.take(), ElementsAre("kill a"));
    EXPECT_EQ(s.cause("a"), "did not end after STOPPING=1 within 3 s; killed");
}

TEST(SaysStopping, IsSignalledWhenSomebodyAsksForTheStopAsWell) {
    Scenario s({Service("a").notify()});
    s.boot_up().says({.run = s.run("a"), .stopping = true}).take();
    s.stop({"a"});
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
}

TEST(ExtendTimeout, GivesAStartAndAStopMoreTime) {
    Scenario s({Service("a").notify().start_timeout(5s).stop_timeout(5s)});
    s.boot().spawned("a").pass(4s).says({.run = s.run("a"), .extend_timeout = 10s}).pass(9s);
    EXPECT_EQ(s.state("a"), "starting");
    s.ready("a").stop({"a"}).pass(4s).says({.run = s.run("a"), .extend_timeout = 10s}).take();
    s.pass(9s);
    EXPECT_THAT(s.take(), IsEmpty());
    s.pass(1s);
    EXPECT_THAT(s.take(), ElementsAre("kill a"));
}

TEST(ExtendTimeout, NeverTakesTimeAway) {
    Scenario s({Service("a").notify().start_timeout(5s)});
    s.boot().spawned("a").says({.run = s.run("a"), .extend_timeout = 1s}).pass(4s);
    EXPECT_EQ(s.state("a"), "starting");
}

TEST(ReportedErrno, IsInTheCause) {
    Scenario s({Service("a").notify()});
    s.boot().spawned("a").says({.run = s.run("a"), .errnum = 98}).exits("a", 1);
    EXPECT_THAT(s.cause("a"), HasSubstr("exit 1 after 0 s (Address already in use)"));
}

TEST(RestartReset, ForgetsTheBackoff) {
    Scenario s({Service("a").notify()});
    for (int i = 0; i < 4; ++i) s.boot().spawned("a").ready("a").exits("a", 1).pass(10s);
    EXPECT_GT(s.unit("a").history.quick_exits, 2);
    s.spawned("a").says({.run = s.run("a"), .restart_reset = true});
    EXPECT_EQ(s.unit("a").history.quick_exits, 0);
}

TEST(ReadyByItself, DescriptorAndLogAreAwaited) {
    Scenario s({Service("a").ready_by(config::FdCheck{4}),
                Service("b").ready_by(config::LogCheck{"up$"})});
    s.boot().spawned("a").spawned("b");
    EXPECT_EQ(s.cause("a"), "not ready yet: awaits a newline on descriptor 4");
    EXPECT_EQ(s.cause("b"), "not ready yet: awaits a line in its log that matches up$");
    s.says({.run = s.run("a"), .ready = true});
    EXPECT_EQ(s.state("a"), "starting");
    s.ready("a").ready("b");
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_EQ(s.state("b"), "running");
}

}  // namespace
}  // namespace reeve::test
