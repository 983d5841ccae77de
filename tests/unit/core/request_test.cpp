#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using core::Verb;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Request, StartIsAnsweredOnceWhenReady) {
    Scenario s({Service("a").notify().disabled()});
    s.boot().start({"a"}).spawned("a");
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
    s.ready("a");
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done"));
    s.exits("a", 1).pass(1h);
    EXPECT_EQ(s.open_requests(), 0u);
}

TEST(Request, StartOfARunningOneSucceedsAtOnce) {
    Scenario s({Service("a")});
    s.boot_up().start({"a"});
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done"));
}

TEST(Request, StartOfAOneshotIsAnsweredWhenItIsDone) {
    Scenario s({Service("a").oneshot().disabled()});
    s.boot().start({"a"}).spawned("a").take();
    s.exits("a");
    EXPECT_THAT(s.take(), ElementsAre("reap a", "reply 1 a:done"));
}

TEST(Request, FirstStartThatFailsIsAnsweredWithTheCause) {
    Scenario s({Service("a").disabled()});
    s.boot().start({"a"}).spawn_fails("a");
    EXPECT_EQ(s.last().back(), "reply 1 a:failed");
    EXPECT_EQ(s.told(1), "cannot start: exec /bin/x: no such file");
    EXPECT_EQ(s.state("a"), "backoff");
}

TEST(Request, StartThatTimesOutIsAnsweredWhenTheProcessIsGone) {
    Scenario s({Service("a").notify().disabled().start_timeout(1s)});
    s.boot().start({"a"}).spawned("a").pass(1s);
    EXPECT_EQ(s.open_requests(), 1u);
    s.killed("a", SIGTERM);
    EXPECT_EQ(s.told(1), "not ready within 1 s (awaits READY=1)");
}

TEST(Request, StuckOnAFailedRequirementIsAnsweredAtOnce) {
    Scenario s({Service("db").restart(config::RestartPolicy::Never),
                Service("web").needs({"db"}).disabled()});
    s.boot().spawn_fails("db").start({"web"}).spawn_fails("db");
    EXPECT_EQ(s.last().back(), "reply 1 web:failed");
    EXPECT_EQ(s.told(1), "waits for db (failed)");
    EXPECT_EQ(s.state("web"), "waiting");
}

TEST(Request, NobodyHearsOfARequestWithoutANumber) {
    Scenario s({Service("a").disabled()});
    core::Requested asked;
    asked.services = {s.id("a")};
    s.boot().event(asked).up("a");
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
}

TEST(Request, WithoutWaitIsAnsweredOnceItIsUnderWay) {
    Scenario s({Service("a").notify().disabled()});
    s.boot().request(Verb::Start, {"a"}, false);
    EXPECT_THAT(s.take(), ElementsAre("spawn a", "reply 1 a:done"));
    s.spawned("a").request(Verb::Stop, {"a"}, false);
    EXPECT_EQ(s.last().back(), "reply 2 a:done");
    EXPECT_EQ(s.state("a"), "stopping");
}

TEST(Request, WithoutWaitIsStillRefusedWhereItCannotBe) {
    Scenario s({Service("a")});
    s.boot_up().request(Verb::Reload, {"a"}, false);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:failed"));
}

TEST(Request, AtItsDeadlineSaysHowFarItHasCome) {
    Scenario s({Service("a").notify().disabled(), Service("b").disabled()});
    s.boot().request(Verb::Start, {"a", "b"}, true, 2s).spawned("a").up("b").take();
    s.pass(2s - 1ns);
    EXPECT_THAT(s.take(), IsEmpty());
    s.pass(1ns);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:timed out b:done"));
    s.ready("a");
    EXPECT_THAT(s.take(), IsEmpty());
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Request, AnsweredInTimeLeavesNoDeadlineBehind) {
    Scenario s({Service("a").disabled()});
    s.boot().request(Verb::Start, {"a"}, true, 2s).up("a");
    EXPECT_EQ(s.next(), std::nullopt);
}

TEST(Request, WithADeadlineThatIsPastIsAnsweredAtOnce) {
    Scenario s({Service("a").notify().disabled()});
    s.boot().request(Verb::Start, {"a"}, true, 0s);
    EXPECT_THAT(s.take(), ElementsAre("spawn a", "reply 1 a:timed out"));
}

TEST(Request, ForNoServiceIsAnswered) {
    Scenario s({Service("a")});
    s.boot_up().stop({});
    EXPECT_THAT(s.take(), ElementsAre("reply 1"));
}

TEST(Request, NamingAServiceTwiceAnswersForItOnce) {
    Scenario s({Service("a")});
    s.boot_up().stop({"a", "a"}).exits("a");
    EXPECT_EQ(s.last().back(), "reply 1 a:done");
}

TEST(Request, ForAServiceThatIsNotThereFailsForThatOne) {
    Scenario s({Service("a")});
    s.boot_up();
    s.event(core::Requested{core::RequestId{9}, Verb::Stop, {core::ServiceId{77}}, true, {}});
    EXPECT_THAT(s.take(), ElementsAre("reply 9 :failed"));
    EXPECT_EQ(s.told(9), "no longer configured");
}

TEST(Request, SeveralWaitForTheSame) {
    Scenario s({Service("a").disabled()});
    s.boot().start({"a"}).start({"a"}).restart({"a"}).exits("a").take();
    s.up("a");
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done", "reply 2 a:done", "reply 3 a:done"));
}

TEST(Request, StartDuringAShutdownFailsAndStopSucceeds) {
    Scenario s({Service("a"), Service("b").disabled()});
    s.boot_up().shutdown().take();
    s.start({"b"}).restart({"a"}).reload({"a"}).stop({"a"});
    EXPECT_THAT(s.take(), ElementsAre("reply 1 b:failed", "reply 2 a:failed", "reply 3 a:failed"));
    EXPECT_EQ(s.told(1), "the supervisor is shutting down");
    s.exits("a");
    EXPECT_THAT(s.take(), ElementsAre("reap a", "reply 4 a:done", "finish 0"));
}

TEST(Request, UnderWayWhenAShutdownBeginsFailsOnceStopped) {
    Scenario s({Service("a").notify().disabled()});
    s.boot().start({"a"}).spawned("a").shutdown();
    EXPECT_EQ(s.open_requests(), 1u);
    s.exits("a");
    EXPECT_THAT(s.last(), ElementsAre("reap a", "reply 1 a:failed", "finish 0"));
}

// Reloading.

TEST(Reload, SendsTheSignalAndIsDone) {
    Scenario s({Service("a").reload()});
    s.boot_up().reload({"a"});
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGHUP", "reply 1 a:done"));
    EXPECT_EQ(s.history("a"), (Lines{"starting", "running", "reloading", "running"}));
    EXPECT_EQ(s.cause("a"), "reloaded by SIGHUP");
}

TEST(Reload, RunsTheCommandAndWaitsForIt) {
    Scenario s({Service("a").reload_command({"reload-a"})});
    s.boot_up().reload({"a"});
    EXPECT_THAT(s.take(), ElementsAre("run a reload-a"));
    EXPECT_EQ(s.state("a"), "reloading");
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done"));
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Reload, CommandThatFailsSaysSoAndLeavesItRunning) {
    Scenario s({Service("a").reload_command({"reload-a"})});
    s.boot_up().reload({"a"}).command_ends("a", false, "exit 9");
    EXPECT_EQ(s.last().back(), "reply 1 a:failed");
    EXPECT_EQ(s.told(1), "reload command failed: exit 9");
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Reload, CheckThatFailsRefusesIt) {
    Scenario s({Service("a").reload_check({"check-a"})});
    s.boot_up().reload({"a"});
    EXPECT_THAT(s.take(), ElementsAre("run a check-a"));
    s.command_ends("a", false, "exit 1");
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:failed"));
    EXPECT_EQ(s.told(1), "reload refused by its check: exit 1");
}

TEST(Reload, CheckThatPassesLetsItHappen) {
    Scenario s({Service("a").reload_check({"check-a"}),
                Service("b").reload_command({"reload-b"}).reload_check({"check-b"})});
    s.boot_up().reload({"a", "b"}).take();
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGHUP"));
    s.command_ends("b", true);
    EXPECT_THAT(s.take(), ElementsAre("run b reload-b"));
    s.command_ends("b", true);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done b:done"));
}

TEST(Reload, CommandThatHangsIsCancelledAtItsTimeout) {
    Scenario s({Service("a").reload_command({"reload-a"})});
    s.boot_up().reload({"a"}).take();
    s.pass(60s);
    EXPECT_THAT(s.take(), ElementsAre("cancel a", "reply 1 a:failed"));
    EXPECT_EQ(s.told(1), "reload command did not end in time");
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Reload, CheckThatHangsRefusesItAtTheTimeout) {
    Scenario s({Service("a").reload_check({"check-a"})});
    s.boot_up().reload({"a"}).pass(60s);
    EXPECT_EQ(s.told(1), "reload refused: its check did not end in time");
}

TEST(Reload, OfOneThatIsNotReloadableSaysSo) {
    Scenario s({Service("a")});
    s.boot_up().reload({"a"});
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:failed"));
    EXPECT_THAT(s.told(1), HasSubstr("not reloadable"));
}

TEST(Reload, OfOneThatIsNotUpIsNotRunning) {
    Scenario s({Service("a").reload().disabled(), Service("b").reload().notify()});
    s.boot().reload({"a"}).spawned("b").reload({"b"});
    EXPECT_THAT(s.take(), ElementsAre("spawn b", "reply 1 a:not running", "reply 2 b:not running"));
}

TEST(Reload, DuringAReloadHappensAfterwardsAndAnswersBoth) {
    Scenario s({Service("a").reload_command({"reload-a"})});
    s.boot_up().reload({"a"}).reload({"a"}).reload({"a"});
    EXPECT_THAT(s.take(), ElementsAre("run a reload-a"));
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("run a reload-a"));
    s.command_ends("a", true);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done", "reply 2 a:done", "reply 3 a:done"));
}

TEST(Reload, CutShortByACrashFailsWithTheCause) {
    Scenario s({Service("a").reload_command({"reload-a"})});
    s.boot_up().reload({"a"}).take();
    s.exits("a", 1);
    EXPECT_THAT(s.take(), ElementsAre("cancel a", "reap a", "reply 1 a:failed"));
    EXPECT_THAT(s.told(1), HasSubstr("exit 1 after"));
}

TEST(Reload, AReloadingOneSatisfiesWhoRequiresIt) {
    Scenario s({Service("db").reload_command({"r"}), Service("web").needs({"db"}).disabled()});
    s.boot_up().reload({"db"}).start({"web"});
    EXPECT_EQ(s.state("web"), "starting");
}

TEST(Reload, WhileItWaitsForItsTurnToStopIsRefused) {
    Scenario s({Service("db").reload(), Service("web").needs({"db"})});
    s.boot_up().stop({"db"}).take();
    s.reload({"db"});
    EXPECT_THAT(s.take(), ElementsAre("reply 2 db:not running"));
}

TEST(ReloadRequest, OfOneThatIsNotUpIsNotRunningWhetherItCouldOrNot) {
    Scenario s({Service("with").reload().disabled(), Service("without").disabled(), Service("up")});
    s.boot_up().reload({"with", "without", "up"});
    EXPECT_THAT(s.take(), ElementsAre("reply 1 with:not running without:not running up:failed"));
}

}  // namespace
}  // namespace reeve::test
