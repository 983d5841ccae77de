#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(PreStart, CommandsRunOneAfterTheOtherBeforeTheProcess) {
    Scenario s({Service("a").pre_start({"one"}).pre_start({"two"})});
    s.boot();
    EXPECT_THAT(s.take(), ElementsAre("run a one"));
    EXPECT_EQ(s.state("a"), "starting");
    EXPECT_EQ(s.cause("a"), "not ready yet: pre_start runs: one");
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("run a two"));
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
    s.spawned("a");
    EXPECT_EQ(s.state("a"), "running");
}

TEST(PreStart, FailureIsAFailedStartThatPostStopFollows) {
    Scenario s({Service("a").pre_start({"one"}).pre_start({"two"}).post_stop({"tidy"})});
    s.boot().take();
    s.command_ends("a", false, "exit 3");
    EXPECT_THAT(s.take(), ElementsAre("run a tidy"));
    EXPECT_THAT(s.variables(), ElementsAre("SERVICE_RESULT=exit-code"));
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("reap a"));
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "pre_start failed: one: exit 3");
}

TEST(PreStart, ThatTakesTooLongIsKilledAndWaitedFor) {
    Scenario s({Service("a").pre_start({"one"}, 2s)});
    s.boot().take();
    s.pass(2s);
    EXPECT_THAT(s.take(), ElementsAre("end task of a"));
    EXPECT_EQ(s.state("a"), "stopping");
    s.command_ends("a", false, "killed by SIGKILL");
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "pre_start did not end in time: one");
}

TEST(PreStart, CountsTowardsTheStartTimeout) {
    Scenario s({Service("a").pre_start({"one"}).start_timeout(5s)});
    s.boot().pass(5s);
    s.command_ends("a", false);
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "not ready within 5 s (pre_start runs: one)");
}

TEST(PreStart, IsKilledByAStopAndNothingIsSpawned) {
    Scenario s({Service("a").pre_start({"one"})});
    s.boot().take();
    s.stop({"a"});
    EXPECT_THAT(s.take(), ElementsAre("end task of a"));
    EXPECT_EQ(s.cause("a"), "stopped by request; ending its hook first");
    s.command_ends("a", false);
    EXPECT_THAT(s.take(), ElementsAre("reap a", "reply 1 a:done"));
    EXPECT_EQ(s.cause("a"), "stopped by request");
}

TEST(PreStart, IsKilledAtOnceByASecondShutdown) {
    Scenario s({Service("a").pre_start({"one"})});
    s.boot().shutdown();
    EXPECT_THAT(s.last(), ElementsAre("end task of a"));
    s.shutdown();
    EXPECT_THAT(s.last(), ElementsAre("kill task of a"));
    s.command_ends("a", false);
    EXPECT_THAT(s.last(), ElementsAre("reap a", "finish 0"));
}

TEST(PostStart, IsPartOfTheStart) {
    Scenario s({Service("a").post_start({"tell"}), Service("b").needs({"a"})});
    s.boot().spawned("a");
    EXPECT_EQ(s.state("a"), "starting");
    EXPECT_EQ(s.state("b"), "waiting");
    s.take();
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("spawn b"));
    EXPECT_EQ(s.state("a"), "running");
}

TEST(PostStart, FailureEndsTheServiceAsAFailedStart) {
    Scenario s({Service("a").post_start({"tell"})});
    s.boot().spawned("a").take();
    s.command_ends("a", false, "exit 1");
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
    s.killed("a", SIGTERM);
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "post_start failed: tell: exit 1");
}

TEST(PostStart, IsKilledWhenTheProcessEndsMeanwhile) {
    Scenario s({Service("a").post_start({"tell"})});
    s.boot().spawned("a").take();
    s.exits("a", 1);
    EXPECT_THAT(s.take(), ElementsAre("end task of a"));
    s.command_ends("a", false);
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "exit 1 after 0 s, before it was ready");
}

TEST(PreStop, RunsBeforeTheSignalOfAnAskedForStopOnly) {
    Scenario s({Service("a").pre_stop({"drain"})});
    s.boot_up().stop({"a"});
    EXPECT_THAT(s.take(), ElementsAre("run a drain"));
    EXPECT_THAT(s.variables(), ElementsAre("SERVICE_RESULT=success"));
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
    s.exits("a");
    s.start({"a"}).spawned("a").take();
    s.exits("a", 1);
    EXPECT_THAT(s.take(), Not(Contains("run a drain")));
}

TEST(PreStop, FailureDoesNotKeepTheServiceFromBeingStopped) {
    Scenario s({Service("a").pre_stop({"drain"})});
    s.boot_up().stop({"a"}).command_ends("a", false, "exit 9");
    EXPECT_EQ(s.last(), Lines({"signal a SIGTERM", "signal a SIGCONT"}));
    s.exits("a");
    EXPECT_EQ(s.cause("a"), "stopped by request (pre_stop failed: exit 9)");
}

TEST(PreStop, ThatHangsIsKilledAtTheStopTimeoutAndTheStopGoesOn) {
    Scenario s({Service("a").pre_stop({"drain"}).stop_timeout(3s)});
    s.boot_up().stop({"a"}).take();
    s.pass(3s);
    EXPECT_THAT(s.take(), ElementsAre("end task of a"));
    s.command_ends("a", false, "killed by SIGKILL");
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
    s.exits("a");
    EXPECT_EQ(s.cause("a"), "stopped by request (pre_stop did not end in time)");
}

TEST(PreStop, MayEndTheProcessItself) {
    Scenario s({Service("a").pre_stop({"drain"})});
    s.boot_up().stop({"a"}).take();
    s.exits("a");
    EXPECT_THAT(s.take(), IsEmpty());
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("reap a", "reply 1 a:done"));
}

TEST(PostStop, KnowsHowTheServiceEnded) {
    Scenario s({Service("a").post_stop({"tidy"})});
    s.boot_up().exits("a", 7);
    EXPECT_THAT(s.variables(),
                ElementsAre("SERVICE_RESULT=exit-code", "EXIT_CODE=exited", "EXIT_STATUS=7"));
    EXPECT_EQ(s.state("a"), "stopping");
    s.command_ends("a", true);
    EXPECT_EQ(s.state("a"), "backoff");
    s.pass(1s).spawned("a").killed("a", SIGSEGV);
    EXPECT_THAT(s.variables(),
                ElementsAre("SERVICE_RESULT=signal", "EXIT_CODE=killed", "EXIT_STATUS=SEGV"));
}

TEST(PostStop, OfAOneshotThatEndedWellIsWaitedFor) {
    Scenario s({Service("a").oneshot().post_stop({"tidy"}), Service("b").needs({"a"}),
                Service("c").after({"a"})});
    s.boot().spawned("a").exits("a");
    EXPECT_EQ(s.cause("b"), "waits for a");
    EXPECT_EQ(s.state("c"), "waiting");
    s.command_ends("a", true);
    EXPECT_EQ(s.state("b"), "starting");
    EXPECT_EQ(s.state("c"), "starting");
}

TEST(PostStop, IsShown) {
    Scenario s({Service("a").pre_stop({"drain"}).post_stop({"tidy", "up"})});
    s.boot_up().stop({"a"});
    EXPECT_EQ(s.cause("a"), "stopped by request; pre_stop runs: drain");
    s.command_ends("a", true);
    EXPECT_EQ(s.cause("a"), "stopped by request");
    s.exits("a");
    EXPECT_EQ(s.cause("a"), "stopped by request; post_stop runs: tidy up");
    s.send({"a"}, SIGKILL, config::StopScope::Tree);
    EXPECT_THAT(s.last(), ElementsAre("reply 2 a:not running"));
    s.command_ends("a", true);
    EXPECT_EQ(s.cause("a"), "stopped by request");
}

TEST(Hooks, GoOnByTheDefinitionThatTheyBeganBy) {
    Scenario s({Service("a").pre_start({"one"}).pre_start({"two"})});
    s.boot().replace({Service("a").pre_start({"new"}).pre_start({"one"}).pre_start({"two"})});
    s.take();
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("run a two"));
}

TEST(PostStop, RunsOnceNothingOfTheServiceIsLeft) {
    Scenario s({Service("a").post_stop({"tidy"})});
    s.boot_up().exits("a", 1, true);
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM tree", "signal a SIGCONT tree"));
    s.tree_empties("a");
    EXPECT_THAT(s.take(), ElementsAre("run a tidy"));
}

TEST(PostStop, FollowsAProgramThatCannotBeExecuted) {
    Scenario s({Service("a").post_stop({"tidy"})});
    s.boot().take();
    s.spawn_fails("a");
    EXPECT_THAT(s.take(), ElementsAre("run a tidy"));
    EXPECT_THAT(s.variables(), ElementsAre("SERVICE_RESULT=resources"));
}

TEST(PostStop, IsLeftOutWhenEverythingIsKilled) {
    Scenario s({Service("a").post_stop({"tidy"})});
    s.boot_up().shutdown().shutdown().take();
    s.killed("a", SIGKILL);
    EXPECT_THAT(s.take(), ElementsAre("reap a", "finish 0"));
}

TEST(StopRest, LeftAloneDoesNotHoldUpTheEndOrAnotherStart) {
    Scenario s({Service("a").leaves_rest()});
    s.boot_up().stop({"a"}).take();
    s.killed("a", SIGTERM, true);
    EXPECT_THAT(s.take(), ElementsAre("reap a", "reply 1 a:done"));
    EXPECT_EQ(s.state("a"), "stopped");
}

TEST(StopRest, LeftAloneIsNotKilledAtTheTimeout) {
    Scenario s({Service("a").leaves_rest().stop_timeout(2s)});
    s.boot_up().stop({"a"}).take();
    s.pass(2s);
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGKILL"));
}

}  // namespace
}  // namespace reeve::test
