#include "tests/support/scenario.h"

/// Another plan that somebody waits for, and the changes that need some thought.
namespace reeve::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Apply, IsAnsweredOnceAllThatItChangedIsWhereItShallBe) {
    Scenario s({Service("gone"), Service("same"), Service("web").notify()});
    s.boot_up().apply(
        {Service("new").notify(), Service("same"), Service("web").command({"/bin/w2"}).notify()});
    s.exits("web").up("web").up("new").take();
    EXPECT_EQ(s.open_requests(), 1u);
    s.exits("gone");
    EXPECT_THAT(s.last(),
                ElementsAre("reap gone", "forget gone", "reply 1 gone:done new:done web:done"));
}

TEST(Apply, SaysWhatCouldNotBeStarted) {
    Scenario s({Service("web")});
    s.boot_up().apply({Service("web").command({"/bin/w2"})}).exits("web").spawn_fails("web");
    EXPECT_THAT(s.last(), Contains("reply 1 web:failed"));
    EXPECT_THAT(s.told(1), testing::StartsWith("cannot start: "));
}

TEST(Apply, WaitsForNothingThatIsTrueAtOnce) {
    Scenario s({Service("web"), Service("off").disabled()});
    s.boot_up().exits("web", 1).take();
    s.apply({Service("web").description("x"), Service("off").disabled().command({"/bin/o2"})});
    EXPECT_THAT(s.take(), ElementsAre("reply 1 off:done web:done"));
    EXPECT_EQ(s.state("web"), "backoff");
}

TEST(Apply, OfNothingNewIsAnsweredAtOnce) {
    Scenario s({Service("web")});
    s.boot_up().apply({Service("web")});
    EXPECT_THAT(s.take(), ElementsAre("reply 1"));
}

TEST(Apply, NeedNotBeWaitedFor) {
    Scenario s({Service("web")});
    s.boot_up().apply({Service("web").command({"/bin/w2"})}, false);
    EXPECT_THAT(s.last(), Contains("reply 1 web:done"));
}

TEST(Apply, EndsAtItsDeadlineAndGoesOn) {
    Scenario s({Service("web")});
    s.boot_up().apply({Service("web").command({"/bin/w2"})}, true, 2s).pass(2s);
    EXPECT_THAT(s.last(), Contains("reply 1 web:timed out"));
    s.exits("web").up("web");
    EXPECT_EQ(s.state("web"), "running");
}

TEST(Apply, NamesFirstWhomItTakesAlong) {
    Scenario s({Service("cache").disabled(), Service("db"), Service("web").needs({"db"})});
    s.boot_up().apply({Service("cache").disabled(), Service("db").command({"/bin/db2"}),
                       Service("new").needs({"cache"}), Service("web").needs({"db"})});
    EXPECT_THAT(s.take(), ElementsAre("touches web<db", "touches to start cache<new", "spawn cache",
                                      "signal web SIGTERM", "signal web SIGCONT"));
}

TEST(Apply, DuringAShutdownChangesNothing) {
    Scenario s({Service("web")});
    s.boot_up().shutdown().take();
    s.apply({Service("other")});
    EXPECT_THAT(s.take(), ElementsAre("reply 1"));
    EXPECT_TRUE(s.knows("web"));
}

TEST(Replan, StartsARenamedServiceOnceItsOldSelfIsGone) {
    Scenario s({Service("old").command({"/bin/web", "80"})});
    s.boot_up().replace({Service("new").command({"/bin/web", "80"})});
    EXPECT_THAT(s.take(), ElementsAre("signal old SIGTERM", "signal old SIGCONT"));
    EXPECT_EQ(s.state("new"), "waiting");
    EXPECT_EQ(s.cause("new"), "waits for old");
    s.exits("old");
    EXPECT_THAT(s.take(), ElementsAre("reap old", "forget old", "spawn new"));
}

TEST(Replan, TakesTheSameAddressForTheSameServiceToo) {
    Scenario s({Service("old").probed()});
    s.boot_up().replace({Service("new").probed()});
    EXPECT_EQ(s.state("new"), "waiting");
    s.exits("old").up("new");
    EXPECT_EQ(s.state("new"), "running");
}

TEST(Replan, LetsNobodyWaitForAnOldSelfThatCameBack) {
    Scenario s({Service("old").command({"/bin/web"})});
    s.boot_up().replace({Service("new").command({"/bin/web"})});
    s.replace({Service("old").command({"/bin/web"}), Service("new").command({"/bin/web"})});
    EXPECT_EQ(s.state("new"), "starting");
}

TEST(Replan, KeepsADependentUpWhoseRequirementIsRemovedFromBoth) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().replace({Service("web")});
    EXPECT_THAT(s.take(), ElementsAre("signal db SIGTERM", "signal db SIGCONT"));
    s.exits("db");
    EXPECT_EQ(s.state("web"), "running");
}

TEST(Replan, LetsOneGoOnThatNoLongerNeedsWhatItWaitedFor) {
    Scenario s({Service("db").notify(), Service("web").needs({"db"})});
    s.boot().spawned("db").take();
    s.replace({Service("db").notify(), Service("web")});
    EXPECT_THAT(s.take(), ElementsAre("spawn web"));
}

TEST(Replan, StartsANewRequirementWithoutStoppingWhoGotIt) {
    Scenario s({Service("web")});
    s.boot_up().replace({Service("cache").disabled(), Service("web").needs({"cache"})});
    EXPECT_THAT(s.take(), ElementsAre("spawn cache"));
    EXPECT_EQ(s.state("web"), "running");
}

TEST(Replan, TurnsAnOrderRoundForTheNextStop) {
    Scenario s({Service("a"), Service("b").after({"a"})});
    s.boot_up().replace({Service("a").after({"b"}), Service("b")});
    EXPECT_THAT(s.take(), IsEmpty());
    s.stop({"a", "b"});
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
}

TEST(Replan, StopsTheOldProcessByItsOwnDefinition) {
    Scenario s({Service("web").stop_signal(SIGQUIT).stop_timeout(30s)});
    s.boot_up().replace({Service("web").command({"/bin/w2"}).stop_timeout(1s)});
    EXPECT_THAT(s.take(), ElementsAre("signal web SIGQUIT", "signal web SIGCONT"));
    EXPECT_EQ(s.next(), 30s);
    s.exits("web").up("web").stop({"web"});
    EXPECT_THAT(s.last(), ElementsAre("signal web SIGTERM", "signal web SIGCONT"));
    EXPECT_EQ(s.next(), 1s);
}

TEST(Replan, ToAwaitAMessageThatTheStartedProcessCannotSendStartsItAnew) {
    Scenario s({Service("web").probed()});
    s.boot().spawned("web").take();
    s.replace({Service("web").notify()});
    EXPECT_THAT(s.take(), ElementsAre("cancel web", "signal web SIGTERM", "signal web SIGCONT"));
    s.exits("web");
    EXPECT_THAT(s.take(), ElementsAre("reap web", "spawn web"));
}

TEST(Replan, OfOneThatIsStartingStartsItAnew) {
    Scenario s({Service("web").notify()});
    s.boot().spawned("web").take();
    s.replace({Service("web").notify().command({"/bin/w2"})}).exits("web");
    EXPECT_THAT(s.take(),
                ElementsAre("signal web SIGTERM", "signal web SIGCONT", "reap web", "spawn web"));
}

TEST(Replan, OfOneThatIsBeingStoppedLeavesItStopped) {
    Scenario s({Service("web")});
    s.boot_up().stop({"web"}).take();
    s.replace({Service("web").command({"/bin/w2"})}).exits("web");
    EXPECT_THAT(s.take(), Not(Contains("spawn web")));
    EXPECT_EQ(s.state("web"), "stopped");
}

TEST(Replan, OfABackoffAloneLeavesTheNextStartWhereItIs) {
    Scenario s({Service("web").backoff({.initial = 4s, .jitter = 0})});
    s.boot_up().exits("web", 1).pass(1s);
    s.replace({Service("web").backoff({.initial = 30s, .jitter = 0})});
    EXPECT_EQ(s.state("web"), "backoff");
    EXPECT_EQ(s.next(), 3s);
}

TEST(Apply, WaitsForOneThatIsRestartedAsItsReadinessIsAnotherNow) {
    Scenario s({Service("web").probed()});
    s.boot().spawned("web").apply({Service("web").notify()});
    EXPECT_EQ(s.open_requests(), 1u);
    s.exits("web").spawned("web").ready("web");
    EXPECT_THAT(s.last(), Contains("reply 1 web:done"));
}

}  // namespace
}  // namespace reeve::test
