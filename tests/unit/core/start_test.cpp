#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Start, SpawnsAtBootWhatIsEnabledAndNothingElse) {
    Scenario s({Service("a"), Service("b").disabled()});
    s.boot();
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
    EXPECT_EQ(s.state("b"), "stopped");
}

TEST(Start, IsReadyAtExecWithoutAReadyKey) {
    Scenario s({Service("a")});
    s.boot();
    EXPECT_EQ(s.state("a"), "starting");
    s.spawned("a");
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_EQ(s.unit("a").pid, 101);
}

TEST(Start, WaitsForARequirementToBeReady) {
    Scenario s({Service("db").notify(), Service("web").needs({"db"})});
    s.boot();
    EXPECT_THAT(s.take(), ElementsAre("spawn db"));
    EXPECT_EQ(s.state("web"), "waiting");
    EXPECT_EQ(s.cause("web"), "waits for db");
    s.spawned("db");
    EXPECT_THAT(s.take(), IsEmpty());
    s.ready("db");
    EXPECT_THAT(s.take(), ElementsAre("spawn web"));
}

TEST(Start, BringsADisabledRequirementAlong) {
    Scenario s({Service("db").disabled(), Service("web").needs({"db"})});
    s.boot();
    EXPECT_THAT(s.take(), ElementsAre("spawn db"));
    EXPECT_EQ(s.cause("db"), "started for web");
}

TEST(Start, WaitsForAWantedOneWhileItTries) {
    Scenario s({Service("cache").notify(), Service("web").wants({"cache"})});
    s.boot().spawned("cache");
    EXPECT_THAT(s.take(), ElementsAre("spawn cache"));
    s.ready("cache");
    EXPECT_THAT(s.take(), ElementsAre("spawn web"));
}

TEST(Start, GoesOnWithoutAWantedOneThatFails) {
    Scenario s({Service("cache").notify(), Service("web").wants({"cache"})});
    s.boot().spawned("cache").exits("cache", 1);
    EXPECT_EQ(s.state("cache"), "backoff");
    EXPECT_EQ(s.state("web"), "starting");
}

TEST(Start, OrdersByAfterWithoutStartingTheOther) {
    Scenario s({Service("a").after({"b"}), Service("b").disabled()});
    s.boot();
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
}

TEST(Start, WaitsForWhatItComesAfterIfThatIsStarting) {
    Scenario s({Service("a").after({"b"}), Service("b").notify()});
    s.boot();
    EXPECT_THAT(s.take(), ElementsAre("spawn b"));
    s.up("b");
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
}

TEST(Start, OrdersByBeforeAsByAfter) {
    Scenario s({Service("a"), Service("b").notify().before({"a"})});
    s.boot();
    EXPECT_THAT(s.take(), ElementsAre("spawn b"));
    s.up("b");
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
}

TEST(Start, LetsDependentsOfAOneshotGoOnceItIsDone) {
    Scenario s({Service("migrate").oneshot(), Service("web").needs({"migrate"})});
    s.boot().spawned("migrate");
    EXPECT_EQ(s.state("migrate"), "starting");
    EXPECT_EQ(s.state("web"), "waiting");
    s.exits("migrate", 0);
    EXPECT_EQ(s.state("migrate"), "done");
    EXPECT_EQ(s.state("web"), "starting");
}

TEST(Start, LeavesDependentsOfAFailedOneshotStuck) {
    Scenario s({Service("migrate").oneshot(), Service("web").needs({"migrate"})});
    s.boot().spawned("migrate").exits("migrate", 3);
    EXPECT_EQ(s.state("migrate"), "failed");
    EXPECT_EQ(s.state("web"), "waiting");
    EXPECT_EQ(s.cause("web"), "waits for migrate (failed)");
}

TEST(Start, LetsStuckDependentsGoOnWhenTheFailedOneSucceedsLater) {
    Scenario s({Service("migrate").oneshot(), Service("web").needs({"migrate"})});
    s.boot().spawned("migrate").exits("migrate", 3);
    s.start({"migrate"}).spawned("migrate").exits("migrate", 0);
    EXPECT_EQ(s.state("web"), "starting");
}

TEST(Start, DoesNotRunADoneOneshotAgainForAnotherDependent) {
    Scenario s({Service("migrate").oneshot(), Service("a").needs({"migrate"}),
                Service("b").needs({"migrate"}).disabled()});
    s.boot_up().start({"b"});
    EXPECT_THAT(s.take(), ElementsAre("spawn b"));
}

TEST(Start, RunsADoneOneshotAgainWhenAskedByName) {
    Scenario s({Service("migrate").oneshot()});
    s.boot_up().start({"migrate"});
    EXPECT_THAT(s.take(), ElementsAre("spawn migrate"));
}

TEST(Start, GroupRunsWithoutAProcessOnceItsMembersAreReady) {
    Scenario s({Service("all").group().needs({"a", "b"}), Service("a"), Service("b").notify()});
    s.boot().up("a").spawned("b");
    EXPECT_EQ(s.state("all"), "waiting");
    s.ready("b");
    EXPECT_EQ(s.state("all"), "running");
    EXPECT_FALSE(s.run("all"));
}

TEST(Start, ProbeIsAskedAgainEveryIntervalUntilItSaysYes) {
    Scenario s({Service("a").probed(200ms)});
    s.boot().spawned("a");
    EXPECT_THAT(s.take(), ElementsAre("spawn a", "probe a"));
    s.probe("a", false);
    EXPECT_EQ(s.cause("a"), "not ready yet: connection refused");
    EXPECT_EQ(s.next(), 200ms);
    s.pass(199ms);
    EXPECT_THAT(s.take(), IsEmpty());
    s.pass(1ms);
    EXPECT_THAT(s.take(), ElementsAre("probe a"));
    s.probe("a", true);
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_THAT(s.take(), IsEmpty());
}

TEST(Start, ProbeThatDoesNotAnswerIsCancelledAndAskedAgain) {
    Scenario s({Service("a").probed(200ms, 1s)});
    s.boot().spawned("a").take();
    s.pass(1s);
    EXPECT_THAT(s.take(), ElementsAre("cancel a"));
    EXPECT_THAT(s.cause("a"), HasSubstr("no answer within 1 s"));
    s.pass(200ms);
    EXPECT_THAT(s.take(), ElementsAre("probe a"));
}

TEST(Start, AnswerOfACancelledProbeIsNotHeard) {
    Scenario s({Service("a").probed(200ms, 1s)});
    s.boot().spawned("a");
    const core::TaskId cancelled = s.task("a");
    s.pass(1s).event(core::ProbeAnswered{cancelled, Answer::Yes, ""});
    EXPECT_EQ(s.state("a"), "starting");
}

TEST(Start, ReadyReportOfAnEarlierRunIsNotHeard) {
    Scenario s({Service("a").notify()});
    s.boot().spawned("a");
    const core::RunId earlier = s.run("a");
    s.exits("a", 1).pass(100ms).spawned("a").event(core::ReadyReported{earlier});
    EXPECT_EQ(s.state("a"), "starting");
    s.ready("a");
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Start, ReadyReportCountsOnlyWhereItIsAwaited) {
    Scenario s({Service("a").probed(), Service("b").oneshot()});
    s.boot().spawned("a").spawned("b").ready("a").ready("b");
    EXPECT_EQ(s.state("a"), "starting");
    EXPECT_EQ(s.state("b"), "starting");
}

TEST(Start, ThatTakesTooLongIsStoppedAndCountsAsFailed) {
    Scenario s({Service("a").notify().start_timeout(5s)});
    s.boot().spawned("a").take();
    s.pass(5s);
    EXPECT_EQ(s.state("a"), "stopping");
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
    s.killed("a", SIGTERM);
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "not ready within 5 s (awaits READY=1)");
}

TEST(Start, ThatTakesTooLongFailsEvenIfItThenExitsWell) {
    Scenario s({Service("a").notify().start_timeout(5s).restart(config::RestartPolicy::Never)});
    s.boot().spawned("a").pass(5s).exits("a", 0);
    EXPECT_EQ(s.state("a"), "failed");
}

TEST(Start, TimeoutOfZeroIsNone) {
    Scenario s({Service("a").notify().start_timeout(0s)});
    s.boot().spawned("a");
    EXPECT_EQ(s.next(), std::nullopt);
}

TEST(Start, TimeoutDoesNotHoldOnceReady) {
    Scenario s({Service("a").notify().start_timeout(5s)});
    s.boot().up("a");
    EXPECT_EQ(s.next(), std::nullopt);
}

TEST(Start, TimeoutHoldsForAOneshot) {
    Scenario s({Service("a").oneshot().start_timeout(5s)});
    s.boot().spawned("a").pass(5s).killed("a", SIGTERM);
    EXPECT_EQ(s.state("a"), "failed");
    EXPECT_EQ(s.cause("a"), "not ready within 5 s");
}

TEST(Start, StatusTextIsKeptAndForgottenWithTheRun) {
    Scenario s({Service("a")});
    s.boot_up().status("a", "serving");
    EXPECT_EQ(s.unit("a").status_text, "serving");
    s.exits("a", 1).pass(100ms);
    EXPECT_EQ(s.unit("a").status_text, "");
}

TEST(Start, OfAGroupReachesThroughToItsMembers) {
    Scenario s({Service("all").group().needs({"a"}).wants({"b"}).disabled(),
                Service("a").disabled(), Service("b").disabled()});
    s.boot().start({"all"});
    EXPECT_THAT(s.take(), ElementsAre("touches to start a<all b<all", "spawn a", "spawn b"));
}

TEST(Start, NamesFirstWhomElseItStarts) {
    Scenario s({Service("db").disabled(), Service("cache"),
                Service("web").needs({"db", "cache"}).disabled()});
    s.boot_up().start({"web"});
    EXPECT_THAT(s.take(), ElementsAre("touches to start db<web", "spawn db"));
}

TEST(Readiness, ThatCannotBeAskedIsTriedAgainUntilTheStartTimeout) {
    Scenario s({Service("a").probed(10s).start_timeout(5s)});
    s.boot().spawned("a").take();
    s.unasked("a");
    EXPECT_EQ(s.cause("a"),
              "not ready yet: its probe cannot be asked: socket: Too many open files");
    EXPECT_EQ(s.next(), 1s) << "and not after the interval of one that was answered";
    s.pass(1s);
    EXPECT_THAT(s.take(), ElementsAre("probe a"));
    s.unasked("a").pass(1s).take();
    s.probe("a", true);
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Readiness, ThatCanNeverBeAskedFailsTheStartInItsTime) {
    Scenario s({Service("a").probed().start_timeout(400ms)});
    s.boot().spawned("a").unasked("a").pass(250ms).unasked("a").pass(150ms);
    EXPECT_EQ(s.state("a"), "stopping");
    EXPECT_EQ(s.cause("a"),
              "not ready within 400 ms (its probe cannot be asked: socket: Too many open files)");
}

}  // namespace
}  // namespace reeve::test
