#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<Service> shop() {
    return {Service("db"), Service("app").needs({"db"}), Service("web").needs({"app"})};
}

TEST(Stop, SendsTheSignalAndCont) {
    Scenario s({Service("a")});
    s.boot_up().stop({"a"});
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
    EXPECT_EQ(s.state("a"), "stopping");
    s.killed("a", SIGTERM);
    EXPECT_THAT(s.take(), ElementsAre("reap a", "reply 1 a:done"));
    EXPECT_EQ(s.state("a"), "stopped");
    EXPECT_EQ(s.cause("a"), "stopped by request");
}

TEST(Stop, SendsTheConfiguredSignalToTheConfiguredScope) {
    Scenario s({Service("a").stop_signal(SIGINT).stop_tree(), Service("b").stop_signal(SIGKILL)});
    s.boot_up().stop({"a"}).stop({"b"});
    EXPECT_THAT(s.take(),
                ElementsAre("signal a SIGINT tree", "signal a SIGCONT tree", "signal b SIGKILL"));
}

TEST(Stop, RunsTheCommandFirstAndTheSignalAfterIt) {
    Scenario s({Service("a").stop_command({"halt-a"})});
    s.boot_up().stop({"a"});
    EXPECT_THAT(s.take(), ElementsAre("run a halt-a"));
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
    s.exits("a");
    EXPECT_EQ(s.cause("a"), "stopped by request");
}

TEST(Stop, GoesOnWithTheSignalWhenItsCommandFails) {
    Scenario s({Service("a").stop_command({"halt-a"})});
    s.boot_up().stop({"a"}).take();
    s.command_ends("a", false, "exit 4");
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
    s.exits("a");
    EXPECT_EQ(s.cause("a"), "stopped by request (stop command failed: exit 4)");
}

TEST(Stop, CommandThatOutlivesTheProcessIsCancelled) {
    Scenario s({Service("a").stop_command({"halt-a"})});
    s.boot_up().stop({"a"}).take();
    s.exits("a");
    EXPECT_THAT(s.take(), ElementsAre("cancel a", "reap a", "reply 1 a:done"));
}

TEST(Stop, KillsTheTreeAtTheTimeoutAndSaysSo) {
    Scenario s({Service("a").stop_timeout(3s)});
    s.boot_up().stop({"a"}).take();
    s.pass(3s - 1ns);
    EXPECT_THAT(s.take(), IsEmpty());
    s.pass(1ns);
    EXPECT_THAT(s.take(), ElementsAre("kill a"));
    EXPECT_EQ(s.next(), std::nullopt);
    s.killed("a", SIGKILL);
    EXPECT_EQ(s.state("a"), "stopped");
    EXPECT_EQ(s.cause("a"), "stopped by request (did not end on SIGTERM within 3 s; killed)");
}

TEST(Stop, CommandThatHangsIsCancelledAtTheTimeout) {
    Scenario s({Service("a").stop_command({"halt-a"}).stop_timeout(3s)});
    s.boot_up().stop({"a"}).take();
    s.pass(3s);
    EXPECT_THAT(s.take(), ElementsAre("cancel a", "kill a"));
    s.killed("a", SIGKILL);
    EXPECT_THAT(s.cause("a"), HasSubstr("its stop command did not end it within 3 s; killed"));
}

TEST(Stop, LeftoversGetTermAndShareTheDeadline) {
    Scenario s({Service("a").stop_timeout(3s)});
    s.boot_up().stop({"a"}).pass(1s).take();
    s.killed("a", SIGTERM, true);
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM tree", "signal a SIGCONT tree"));
    EXPECT_EQ(s.next(), 2s);
    s.pass(2s);
    EXPECT_THAT(s.take(), ElementsAre("kill a"));
    s.tree_empties("a");
    EXPECT_THAT(s.take(), ElementsAre("reap a", "reply 1 a:done"));
    EXPECT_THAT(s.cause("a"), HasSubstr("what it left behind did not end on SIGTERM"));
}

TEST(Stop, LeftoversOfAKilledOneAreKilledAgain) {
    Scenario s({Service("a").stop_timeout(3s)});
    s.boot_up().stop({"a"}).pass(3s).take();
    s.killed("a", SIGKILL, true);
    EXPECT_THAT(s.take(), ElementsAre("kill a"));
}

TEST(Stop, AnExitNobodyAskedForWithABadStatusIsStillStopped) {
    Scenario s({Service("a").shutdown_on_failure()});
    s.boot_up().stop({"a"}).exits("a", 1);
    EXPECT_EQ(s.state("a"), "stopped");
    EXPECT_EQ(s.cause("a"), "stopped by request (exit 1)");
    EXPECT_FALSE(s.engine().shutting_down());
}

TEST(Stop, RacingWithACrashIsAStop) {
    Scenario s({Service("a")});
    s.boot_up().stop({"a"}).killed("a", SIGSEGV);
    EXPECT_EQ(s.state("a"), "stopped");
    EXPECT_EQ(s.next(), std::nullopt);
}

TEST(Stop, WhileStartingEndsTheStart) {
    Scenario s({Service("a").notify(), Service("b").needs({"a"})});
    s.boot().spawned("a").stop({"a"});
    EXPECT_EQ(s.state("a"), "stopping");
    EXPECT_EQ(s.state("b"), "stopped");
    s.ready("a");
    EXPECT_EQ(s.state("a"), "stopping");
    s.killed("a", SIGTERM);
    EXPECT_EQ(s.state("a"), "stopped");
    EXPECT_EQ(s.next(), std::nullopt);
}

TEST(Stop, BeforeTheSpawnIsAnsweredWaitsForTheAnswer) {
    Scenario s({Service("a")});
    s.boot().stop({"a"});
    const core::RunId run = s.run("a");
    s.event(core::SpawnFailed{run, "fork: out of memory", false});
    EXPECT_EQ(s.state("a"), "stopped");
    Scenario t({Service("a")});
    t.boot().stop({"a"}).spawned("a");
    EXPECT_EQ(t.state("a"), "stopping");
    EXPECT_EQ(t.unit("a").pid, 101);
}

TEST(Stop, WhileProbedCancelsTheProbe) {
    Scenario s({Service("a").probed()});
    s.boot().spawned("a").take();
    s.stop({"a"});
    EXPECT_THAT(s.take(), ElementsAre("cancel a", "signal a SIGTERM", "signal a SIGCONT"));
}

TEST(Stop, InBackoffIsAtOnce) {
    Scenario s({Service("a")});
    s.boot_up().exits("a", 1).take();
    s.stop({"a"});
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done"));
    EXPECT_EQ(s.state("a"), "stopped");
    EXPECT_EQ(s.next(), std::nullopt);
}

TEST(Stop, WhileWaitingIsAtOnce) {
    Scenario s({Service("a").notify(), Service("b").wants({"a"})});
    s.boot().stop({"b"});
    EXPECT_EQ(s.state("b"), "stopped");
    s.up("a");
    EXPECT_EQ(s.state("b"), "stopped");
}

TEST(Stop, WhileReloadingCancelsTheCommand) {
    Scenario s({Service("a").reload_command({"reload-a"})});
    s.boot_up().reload({"a"}).take();
    s.stop({"a"});
    EXPECT_THAT(s.take(), ElementsAre("cancel a", "signal a SIGTERM", "signal a SIGCONT",
                                      "reply 1 a:failed"));
}

TEST(Stop, OfAStoppedOneSucceeds) {
    Scenario s({Service("a").disabled()});
    s.boot().stop({"a"});
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done"));
}

TEST(Stop, OfADoneOrFailedOneLeavesItSo) {
    Scenario s({Service("a").oneshot(), Service("b").oneshot()});
    s.boot().up("a").up("b").exits("a", 0).exits("b", 1).take();
    s.stop({"a"}).stop({"b"});
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done", "reply 2 b:done"));
    EXPECT_EQ(s.state("a"), "done");
    EXPECT_EQ(s.state("b"), "failed");
}

// Order.

TEST(StopOrder, DependentsAreNamedAndStopFirst) {
    Scenario s(shop());
    s.boot_up().stop({"db"});
    EXPECT_THAT(s.take(),
                ElementsAre("touches app<db web<app", "signal web SIGTERM", "signal web SIGCONT"));
    EXPECT_EQ(s.state("db"), "running");
    s.exits("web");
    EXPECT_THAT(s.take(), ElementsAre("reap web", "signal app SIGTERM", "signal app SIGCONT"));
    s.exits("app");
    EXPECT_THAT(s.take(), ElementsAre("reap app", "signal db SIGTERM", "signal db SIGCONT"));
    s.exits("db");
    EXPECT_THAT(s.take(), ElementsAre("reap db", "reply 1 db:done"));
    EXPECT_EQ(s.cause("web"), "stopped because app was stopped by request");
}

TEST(StopOrder, OnlyWhatRequiresItStopsToo) {
    Scenario s({Service("a"), Service("r").needs({"a"}), Service("w").wants({"a"}),
                Service("x").after({"a"})});
    s.boot_up().stop({"a"});
    EXPECT_EQ(s.state("r"), "stopping");
    EXPECT_EQ(s.state("w"), "running");
    EXPECT_EQ(s.state("x"), "running");
    EXPECT_EQ(s.take().front(), "touches r<a");
}

TEST(StopOrder, DependentsThatAreNotUpAreNotNamed) {
    Scenario s({Service("a"), Service("b").needs({"a"}).disabled()});
    s.boot_up().stop({"a"});
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
}

TEST(StopOrder, WantsAndAfterOrderTheStopOfThoseThatStop) {
    Scenario s({Service("a"), Service("w").wants({"a"}), Service("x").after({"a"})});
    s.boot_up().stop({"a", "w", "x"}).take();
    EXPECT_EQ(s.state("a"), "running");
    s.exits("w");
    EXPECT_EQ(s.state("a"), "running");
    s.exits("x");
    EXPECT_EQ(s.state("a"), "stopping");
}

TEST(StopOrder, WaitsForDependentsLeftovers) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().stop({"db"}).exits("web", 0, true);
    EXPECT_EQ(s.state("db"), "running");
    s.tree_empties("web");
    EXPECT_EQ(s.state("db"), "stopping");
}

TEST(StopOrder, IndependentOnesStopSideBySide) {
    Scenario s({Service("a"), Service("b")});
    s.boot_up().stop({"a", "b"});
    EXPECT_EQ(s.state("a"), "stopping");
    EXPECT_EQ(s.state("b"), "stopping");
    s.exits("b").take();
    s.exits("a");
    EXPECT_THAT(s.take(), ElementsAre("reap a", "reply 1 a:done b:done"));
}

TEST(StopOrder, AGroupStopsBeforeItsMembersWithoutAProcess) {
    Scenario s({Service("all").group().needs({"a"}), Service("a")});
    s.boot_up().stop({"a"});
    EXPECT_EQ(s.state("all"), "stopped");
    EXPECT_EQ(s.state("a"), "stopping");
}

TEST(StopOrder, ACrashCleanupOfADependentIsAwaited) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().exits("web", 1, true).stop({"db"});
    EXPECT_EQ(s.state("db"), "running");
    s.tree_empties("web");
    EXPECT_EQ(s.state("web"), "stopped");
    EXPECT_EQ(s.state("db"), "stopping");
}

// Starting while stopping, restarting.

TEST(StartWhileStopping, WaitsAndStartsAtOnceAfterwards) {
    Scenario s({Service("a")});
    s.boot_up().stop({"a"}).start({"a"}).take();
    s.exits("a", 1);
    EXPECT_THAT(s.take(), ElementsAre("reap a", "spawn a"));
    s.up("a");
    EXPECT_THAT(s.take(), ElementsAre("reply 2 a:done"));
}

TEST(StartWhileStopping, TellsTheStopperThatItIsWantedAgain) {
    Scenario s({Service("a")});
    s.boot_up().stop({"a"}).take();
    s.start({"a"});
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:failed"));
}

TEST(StartWhileStopping, OfOneThatWaitsForItsTurnToStopKeepsItRunning) {
    Scenario s(shop());
    s.boot_up().stop({"db"}).take();
    s.start({"db"});
    EXPECT_EQ(s.state("db"), "running");
    s.exits("web");
    s.exits("app");
    EXPECT_EQ(s.state("db"), "running");
    EXPECT_EQ(s.state("app"), "stopped");
}

TEST(StartWhileStopping, OfADependentBringsTheRequirementBackFirst) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().stop({"db"}).exits("web").start({"web"}).take();
    s.exits("db");
    EXPECT_THAT(s.take(), ElementsAre("reap db", "spawn db"));
    s.up("db");
    EXPECT_EQ(s.take().back(), "spawn web");
}

TEST(RestartRequest, StopsAndStartsWithoutBackoff) {
    Scenario s({Service("a")});
    s.boot_up().restart({"a"});
    EXPECT_EQ(s.state("a"), "stopping");
    s.exits("a", 1).take();
    EXPECT_EQ(s.state("a"), "starting");
    s.up("a");
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done"));
    EXPECT_EQ(s.cause("a"), "restarted by request");
}

TEST(RestartRequest, OfAStoppedOneStartsIt) {
    Scenario s({Service("a").disabled()});
    s.boot().restart({"a"});
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
}

TEST(RestartRequest, OfOneInBackoffStartsItAtOnce) {
    Scenario s({Service("a")});
    s.boot_up().exits("a", 1).take();
    s.restart({"a"});
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
}

TEST(RestartRequest, BringsBackWhatItHadToStop) {
    Scenario s(shop());
    s.boot_up().restart({"db"});
    EXPECT_EQ(s.take().front(), "touches app<db web<app");
    s.exits("web").exits("app").exits("db").take();
    s.up("db").up("app").up("web");
    EXPECT_THAT(s.take(), ElementsAre("spawn app", "reply 1 db:done", "spawn web"));
    EXPECT_EQ(s.state("web"), "running");
}

TEST(RestartRequest, WhileStoppingNeverMakesASecondCopy) {
    Scenario s({Service("a")});
    s.boot_up().restart({"a"}).restart({"a"}).stop({"a"}).restart({"a"}).take();
    EXPECT_EQ(s.state("a"), "stopping");
    s.exits("a");
    EXPECT_THAT(s.take(), ElementsAre("reap a", "spawn a"));
    s.spawned("a").pass(1h);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done", "reply 2 a:done", "reply 4 a:done"));
}

TEST(RestartRequest, TakenBackByAStopFailsOnceItIsStopped) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().restart({"db"}).stop({"db"});
    EXPECT_EQ(s.state("db"), "running");  // it waits for web
    EXPECT_EQ(s.open_requests(), 2u);
    s.exits("web").exits("db").take();
    EXPECT_EQ(s.state("db"), "stopped");
    EXPECT_EQ(s.open_requests(), 0u);
}

TEST(RestartRequest, ACrashOnTheWayToTheStopIsPartOfIt) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().restart({"db"}).exits("db", 1).take();
    EXPECT_EQ(s.state("db"), "starting");
    EXPECT_EQ(s.unit("db").history.restarts, 0);
}

TEST(RestartRequest, OfARequirementRestartsADependentInBackoffLater) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().exits("web", 1).restart({"db"}).pass(100ms);
    EXPECT_EQ(s.cause("web"), "waits for db");
    s.exits("db").up("db");
    EXPECT_EQ(s.state("web"), "starting");
}

}  // namespace
}  // namespace reeve::test
