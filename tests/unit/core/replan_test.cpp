#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(Replan, LeavesWhatIsUnchangedAlone) {
    Scenario s({Service("a"), Service("b").needs({"a"})});
    s.boot_up().replace({Service("a"), Service("b").needs({"a"})});
    EXPECT_THAT(s.take(), IsEmpty());
    EXPECT_EQ(s.state("b"), "running");
}

TEST(Replan, LeavesWhatWasStoppedByHandStopped) {
    Scenario s({Service("a"), Service("b").wants({"a"})});
    s.boot_up().stop({"a"}).exits("a").take();
    s.replace({Service("a"), Service("b").wants({"a"}).description("another")});
    EXPECT_THAT(s.take(), IsEmpty());
    EXPECT_EQ(s.state("a"), "stopped");
}

TEST(Replan, TakesAPolicyInWithoutARestart) {
    Scenario s({Service("a").stop_timeout(10s)});
    s.boot_up().replace({Service("a").stop_timeout(2s)});
    EXPECT_THAT(s.take(), IsEmpty());
    s.stop({"a"});
    EXPECT_EQ(s.next(), 2s);
}

TEST(Replan, RestartsWhatIsExecutedDifferently) {
    Scenario s({Service("a"), Service("b").needs({"a"}), Service("c")});
    s.boot_up().replace(
        {Service("a").command({"/bin/a2"}), Service("b").needs({"a"}), Service("c")});
    s.exits("b").exits("a").up("a").up("b");
    EXPECT_THAT(s.take(),
                ElementsAre("signal b SIGTERM", "signal b SIGCONT", "reap b", "signal a SIGTERM",
                            "signal a SIGCONT", "reap a", "spawn a", "spawn b"));
    EXPECT_EQ(s.cause("a"), "restarted because its definition changed");
    EXPECT_EQ(s.unit("a").history.restarts, 0);
}

TEST(Replan, LeavesAStoppedOneStoppedWhateverItsDefinition) {
    Scenario s({Service("a").disabled()});
    s.boot().replace({Service("a").command({"/bin/a2"}).disabled()});
    EXPECT_THAT(s.take(), IsEmpty());
    s.start({"a"}).up("a");
    EXPECT_EQ(s.unit("a").definition->execution.command, config::Argv{"/bin/a2"});
}

TEST(Replan, StartsWhatIsAddedAndEnabled) {
    Scenario s({Service("b").notify()});
    s.boot_up().replace(
        {Service("a").needs({"b"}), Service("b").notify(), Service("c").disabled()});
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
}

TEST(Replan, StopsAndForgetsWhatIsRemoved) {
    Scenario s({Service("a"), Service("b")});
    s.boot_up().replace({Service("b")});
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
    EXPECT_EQ(s.cause("a"), "no longer configured");
    EXPECT_FALSE(s.knows("a"));
    s.exits("a");
    EXPECT_THAT(s.take(), ElementsAre("reap a", "forget a"));
}

TEST(Replan, ForgetsAtOnceWhatIsRemovedAndNotUp) {
    Scenario s({Service("a").disabled(), Service("b").oneshot(), Service("c")});
    s.boot().up("b").exits("b").spawn_fails("c").take();
    s.replace({});
    EXPECT_THAT(s.take(), UnorderedElementsAre("forget a", "forget b", "forget c"));
    EXPECT_EQ(s.next(), std::nullopt);
}

TEST(Replan, StopsRemovedOnesInTheirOldOrder) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().replace({});
    EXPECT_THAT(s.take(), ElementsAre("signal web SIGTERM", "signal web SIGCONT"));
    s.exits("web");
    EXPECT_THAT(s.take(),
                ElementsAre("reap web", "forget web", "signal db SIGTERM", "signal db SIGCONT"));
    s.exits("db");
    EXPECT_THAT(s.take(), ElementsAre("reap db", "forget db"));
}

TEST(Replan, StopsARemovedOneAfterItsDependentThatIsRestarted) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().replace({Service("web").command({"/bin/web2"})});
    EXPECT_THAT(s.take(), ElementsAre("signal web SIGTERM", "signal web SIGCONT"));
    s.exits("web");
    EXPECT_EQ(s.state("db"), "stopping");
    EXPECT_EQ(s.state("web"), "starting");
}

TEST(Replan, DependentOfARemovedOneKeepsRunning) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().replace({Service("web")});
    EXPECT_EQ(s.state("db"), "stopping");
    EXPECT_EQ(s.state("web"), "running");
}

TEST(Replan, TakesARenamedOneForAnother) {
    Scenario s({Service("old")});
    s.boot_up().replace({Service("new")});
    EXPECT_THAT(s.take(), ElementsAre("signal old SIGTERM", "signal old SIGCONT", "spawn new"));
}

TEST(Replan, StartsAgainWhatComesBackWhileItStops) {
    Scenario s({Service("a")});
    s.boot_up().replace({}).take();
    s.replace({Service("a")});
    EXPECT_THAT(s.take(), IsEmpty());
    s.exits("a");
    EXPECT_THAT(s.take(), ElementsAre("reap a", "spawn a"));
    EXPECT_TRUE(s.knows("a"));
}

TEST(Replan, RestartsWhatComesBackBeforeItsTurnToStopCame) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().replace({}).take();
    EXPECT_EQ(s.state("db"), "running");
    s.replace({Service("db").command({"/bin/db2"})});
    s.exits("web").exits("db");
    EXPECT_EQ(s.state("db"), "starting");
}

TEST(Replan, ForgetsWhatComesBackAndGoesAgain) {
    Scenario s({Service("a")});
    s.boot_up().replace({}).replace({Service("a")}).replace({}).exits("a");
    EXPECT_EQ(s.last().back(), "forget a");
}

TEST(Replan, StartsWhatIsNewlyRequiredOrWanted) {
    Scenario s({Service("a"), Service("b").disabled(), Service("c").disabled()});
    s.boot_up().replace(
        {Service("a").needs({"b"}).wants({"c"}), Service("b").disabled(), Service("c").disabled()});
    EXPECT_THAT(s.take(), ElementsAre("spawn b", "spawn c"));
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Replan, DoesNotRunAgainADoneOneshotThatIsNewlyRequired) {
    Scenario s({Service("a"), Service("o").oneshot()});
    s.boot_up().replace({Service("a").needs({"o"}), Service("o").oneshot()});
    EXPECT_THAT(s.take(), IsEmpty());
}

TEST(Replan, LetsGoWhoeverWaitedForWhatItNoLongerRequires) {
    Scenario s({Service("a").needs({"b"}), Service("b").notify()});
    s.boot().spawned("b").take();
    s.replace({Service("a"), Service("b").notify()});
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
}

TEST(Replan, StartsAFailedOneWhoseDefinitionWasMended) {
    Scenario s({Service("a").restart(config::RestartPolicy::Never), Service("b").needs({"a"})});
    s.boot().spawn_fails("a").take();
    s.replace({Service("a").command({"/bin/right"}).restart(config::RestartPolicy::Never),
               Service("b").needs({"a"})});
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
    s.up("a");
    EXPECT_EQ(s.state("b"), "starting");
}

TEST(Replan, TriesAtOnceOneInBackoffWhoseDefinitionChanged) {
    Scenario s({Service("a")});
    s.boot().spawn_fails("a").take();
    s.replace({Service("a").command({"/bin/right"})});
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
    EXPECT_EQ(s.unit("a").history.quick_exits, 0);
}

TEST(Replan, LeavesOneInBackoffThereWhenOnlyItsPolicyChanged) {
    Scenario s({Service("a")});
    s.boot().spawn_fails("a").take();
    s.replace({Service("a").stop_timeout(1s)});
    EXPECT_EQ(s.state("a"), "backoff");
}

TEST(Replan, AsksTheNewProbeOfOneThatIsStarting) {
    Scenario s({Service("a").notify()});
    s.boot().spawned("a").take();
    s.replace({Service("a").probed()});
    EXPECT_THAT(s.take(), ElementsAre("probe a"));
    s.replace({Service("a").probed(1s)});
    EXPECT_THAT(s.take(), ElementsAre("cancel a", "probe a"));
    s.replace({Service("a")});
    EXPECT_THAT(s.take(), ElementsAre("cancel a"));
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Replan, LeavesAProbeUnderWayWhenSomethingElseChanged) {
    Scenario s({Service("a").probed()});
    s.boot().spawned("a").take();
    s.replace({Service("a").probed().stop_timeout(1s)});
    EXPECT_THAT(s.take(), IsEmpty());
}

TEST(Replan, WithReloadReloadsWhatWasNotRestarted) {
    Scenario s({Service("a").reload(), Service("b").reload(), Service("c"),
                Service("d").reload().needs({"b"}), Service("e").reload().disabled()});
    s.boot_up().replace(
        {Service("a").reload(), Service("b").reload().command({"/bin/b2"}), Service("c"),
         Service("d").reload().needs({"b"}), Service("e").reload().disabled()},
        true);
    EXPECT_THAT(s.take(), ElementsAre("signal d SIGTERM", "signal d SIGCONT", "signal a SIGHUP"));
}

TEST(Replan, WithoutReloadReloadsNothing) {
    Scenario s({Service("a").reload()});
    s.boot_up().replace({Service("a").reload()});
    EXPECT_THAT(s.take(), IsEmpty());
}

TEST(Replan, AnswersRequestsForWhatItRemoves) {
    Scenario s({Service("a").notify(), Service("b").notify().disabled()});
    s.boot().spawned("a").start({"b"}).spawned("b").stop({"a"}).take();
    s.replace({});
    EXPECT_EQ(s.open_requests(), 2u);
    s.exits("b").exits("a");
    EXPECT_EQ(s.open_requests(), 0u);
}

TEST(Replan, LosingItsReloadMidwayMakesTheReloadFail) {
    Scenario s({Service("a").reload_check({"check-a"})});
    s.boot_up().reload({"a"}).replace({Service("a")}).take();
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:failed"));
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Replan, RemovedOneCanOnlyBeStopped) {
    Scenario s({Service("a")});
    s.boot_up();
    const core::ServiceId id = s.id("a");
    s.replace({}).take();
    s.event(core::Requested{core::RequestId{5}, core::Verb::Start, {id}, true, {}});
    EXPECT_THAT(s.take(), ElementsAre("reply 5 a:failed"));
    EXPECT_EQ(s.told(5), "no longer configured");
    s.event(core::Requested{core::RequestId{6}, core::Verb::Stop, {id}, true, {}});
    s.exits("a");
    EXPECT_THAT(s.take(), ElementsAre("reap a", "forget a", "reply 6 a:done"));
}

TEST(Replan, AnotherStartTimeoutIsTrueOfAStartUnderWay) {
    Scenario s({Service("a").notify().start_timeout(60s)});
    s.boot().spawned("a").pass(5s).replace({Service("a").notify().start_timeout(20s)});
    EXPECT_EQ(s.next(), 15s);
    s.replace({Service("a").notify().start_timeout(2s)});
    EXPECT_EQ(s.state("a"), "starting");
    s.take();
    s.pass(0s);
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
    EXPECT_EQ(s.cause("a"), "not ready within 2 s (awaits READY=1)");
}

TEST(Replan, AnotherStartTimeoutLeavesAStartTheTimeThatItAskedFor) {
    Scenario s({Service("a").notify().start_timeout(60s)});
    s.boot().spawned("a").says({.run = s.run("a"), .extend_timeout = 30s}).pass(10s);
    s.replace({Service("a").notify().start_timeout(15s)});
    EXPECT_EQ(s.next(), 20s);
    s.replace({Service("a").notify().start_timeout(90s)});
    EXPECT_EQ(s.next(), 80s);
}

TEST(Replan, AnotherStartTimeoutIsNotForTheWaitForAMainProcessThatFollows) {
    Scenario s({Service("a").forking("/run/a.pid")});
    s.boot().spawned("a").parent_exits("a").main_found("a").exits("a", 0, true);
    EXPECT_EQ(s.next(), 2s);
    s.replace({Service("a").forking("/run/a.pid").start_timeout(90s)});
    EXPECT_EQ(s.next(), 2s);
}

TEST(Replan, AnotherStopTimeoutIsTrueOfAStopUnderWay) {
    Scenario s({Service("a").stop_timeout(300s)});
    s.boot_up().stop({"a"}).pass(5s).replace({Service("a").stop_timeout(20s)});
    EXPECT_EQ(s.next(), 15s);
    s.replace({Service("a").stop_timeout(5s)}).take();
    s.pass(0s);
    EXPECT_THAT(s.take(), ElementsAre("kill a"));
    EXPECT_EQ(s.cause("a"), "did not end on SIGTERM within 5 s; killed");
    s.replace({Service("a").stop_timeout(60s)});
    EXPECT_EQ(s.next(), std::nullopt) << "what is killed stays so";
}

TEST(Replan, AnotherStopTimeoutIsTrueOfTheStopOfAnotherDefinition) {
    Scenario s({Service("a").stop_timeout(300s).stop_signal(SIGINT)});
    s.boot_up().restart({"a"}).take();
    s.replace({Service("a").command({"/bin/a2"}).stop_timeout(20s)});
    EXPECT_EQ(s.next(), 20s);
    s.replace({Service("a").command({"/bin/a2"}).stop_timeout(10s)});
    s.pass(10s);
    EXPECT_EQ(s.cause("a"), "did not end on SIGINT within 10 s; killed");
}

TEST(Replan, AnotherStopTimeoutIsTrueOfAHookWithoutOneOfItsOwn) {
    Scenario s({Service("a").pre_stop({"drain"}).stop_timeout(300s),
                Service("b").pre_stop({"drain"}, 40s).stop_timeout(300s)});
    s.boot_up().stop({"a"}).pass(5s).replace(
        {Service("a").pre_stop({"drain"}).stop_timeout(20s),
         Service("b").pre_stop({"drain"}, 40s).stop_timeout(20s)});
    EXPECT_EQ(s.next(), 15s);
    s.command_ends("a", true);
    EXPECT_EQ(s.next(), 20s) << "nor is the stop after it as long as it was";
    s.exits("a").stop({"b"}).replace({Service("b").pre_stop({"drain"}, 40s).stop_timeout(5s)});
    EXPECT_EQ(s.next(), 40s);
}

TEST(Replan, AnotherStopTimeoutIsTrueOfAHookThatIsBeingEnded) {
    Scenario s({Service("a").pre_start({"prepare"}).stop_timeout(300s)});
    s.boot().stop({"a"}).pass(5s).take();
    s.replace({Service("a").pre_start({"prepare"}).stop_timeout(20s)});
    EXPECT_THAT(s.take(), ElementsAre("end task of a"));
    s.replace({Service("a").pre_start({"prepare"}).stop_timeout(1s)});
    EXPECT_THAT(s.take(), ElementsAre("kill task of a"));
}

TEST(Replan, AnotherReadinessIsNothingToOneWhoseMainProcessIsBeingFollowed) {
    Scenario s({Service("a").forking("/run/a.pid")});
    s.boot().spawned("a").parent_exits("a").main_found("a").exits("a", 0, true).take();
    s.replace({Service("a").forking("/run/a.pid").notify()});
    EXPECT_THAT(s.take(), IsEmpty());
    s.main_found("a");
    EXPECT_EQ(s.state("a"), "running");
}

}  // namespace
}  // namespace reeve::test
