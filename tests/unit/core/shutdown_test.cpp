#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

config::Supervisor settings(Duration shutdown_timeout,
                            config::ExitWhen exit_when = config::ExitWhen::Never) {
    config::Supervisor supervisor;
    supervisor.shutdown_timeout = shutdown_timeout;
    supervisor.exit_when = exit_when;
    return supervisor;
}

TEST(Shutdown, StopsInReverseOrderAndFinishes) {
    Scenario s({Service("db"), Service("app").needs({"db"}), Service("web").after({"app"})});
    s.boot_up().shutdown();
    EXPECT_THAT(s.take(), ElementsAre("signal web SIGTERM", "signal web SIGCONT"));
    s.exits("web");
    EXPECT_THAT(s.take(), ElementsAre("reap web", "signal app SIGTERM", "signal app SIGCONT"));
    s.exits("app");
    EXPECT_THAT(s.take(), ElementsAre("reap app", "signal db SIGTERM", "signal db SIGCONT"));
    s.exits("db");
    EXPECT_THAT(s.take(), ElementsAre("reap db", "finish 0"));
}

TEST(Shutdown, WithNothingAliveFinishesAtOnce) {
    Scenario s({Service("a").disabled()});
    s.boot().shutdown();
    EXPECT_THAT(s.take(), ElementsAre("finish 0"));
    EXPECT_EQ(s.next(), std::nullopt);
}

TEST(Shutdown, BeforeBootStartsNothing) {
    Scenario s({Service("a")});
    s.shutdown().boot();
    EXPECT_THAT(s.take(), ElementsAre("finish 0"));
}

TEST(Shutdown, EndsBackoffAndWaiting) {
    Scenario s({Service("a"), Service("b").needs({"a"})});
    s.boot().spawn_fails("a").take();
    s.shutdown();
    EXPECT_THAT(s.take(), ElementsAre("finish 0"));
    EXPECT_EQ(s.state("a"), "stopped");
    EXPECT_EQ(s.state("b"), "stopped");
}

TEST(Shutdown, ACrashMeanwhileDoesNotStartAnything) {
    Scenario s({Service("a"), Service("b").needs({"a"})});
    s.boot_up().shutdown().exits("a", 1);
    EXPECT_EQ(s.state("a"), "stopped");
    s.exits("b");
    EXPECT_EQ(s.last().back(), "finish 0");
}

TEST(Shutdown, AskedAgainKillsEverythingAtOnce) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().shutdown().take();
    s.shutdown();
    EXPECT_THAT(s.take(), ElementsAre("kill db", "kill web"));
    s.killed("web", SIGKILL).killed("db", SIGKILL);
    EXPECT_EQ(s.last().back(), "finish 0");
}

TEST(Shutdown, AskedAThirdTimeChangesNothing) {
    Scenario s({Service("a")});
    s.boot_up().shutdown().shutdown().take();
    s.shutdown();
    EXPECT_THAT(s.take(), IsEmpty());
}

TEST(Shutdown, AtItsDeadlineKillsWhatIsLeft) {
    Scenario s({Service("a").stop_timeout(1h)}, settings(20s));
    s.boot_up().shutdown().take();
    s.pass(20s);
    EXPECT_THAT(s.take(), ElementsAre("kill a"));
    s.killed("a", SIGKILL);
    EXPECT_THAT(s.take(), ElementsAre("reap a", "finish 0"));
}

TEST(Shutdown, GivesUpOnWhatEvenSigkillDoesNotEnd) {
    Scenario s({Service("a"), Service("b")}, settings(20s));
    s.boot_up().stop({"a"}).shutdown().exits("b").shutdown().take();
    s.pass(5s);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:timed out", "finish 0 a"));
    EXPECT_EQ(s.next(), std::nullopt);
    s.killed("a", SIGKILL).shutdown();
    EXPECT_THAT(s.take(), ElementsAre("reap a"));
}

TEST(Shutdown, AskedAgainAfterTheFinishChangesNothing) {
    Scenario s({Service("a")});
    s.boot_up().shutdown().exits("a").take();
    s.shutdown().shutdown().pass(1h);
    EXPECT_THAT(s.take(), IsEmpty());
}

TEST(Shutdown, IgnoresAnotherPlan) {
    Scenario s({Service("a")});
    s.boot_up().shutdown().take();
    s.replace({Service("a"), Service("b")}, true);
    EXPECT_THAT(s.take(), IsEmpty());
    EXPECT_FALSE(s.knows("b"));
}

TEST(Shutdown, KillsAtOnceWhatIsStillBeingSpawned) {
    Scenario s({Service("a")});
    s.boot().shutdown().shutdown();
    EXPECT_EQ(s.last().back(), "kill a");
    s.spawned("a").killed("a", SIGKILL);
    EXPECT_EQ(s.last().back(), "finish 0");
}

// A service whose end is everybody's.

TEST(EndAction, OnExitStopsEverythingWithItsStatus) {
    Scenario s({Service("job").oneshot().shutdown_on_exit().success(3), Service("other")});
    s.boot().up("other").spawned("job").exits("job", 3).take();
    EXPECT_EQ(s.state("other"), "stopping");
    s.exits("other");
    EXPECT_EQ(s.last().back(), "finish 3");
}

TEST(EndAction, StatusOfASignalIs128AndItsNumber) {
    Scenario s({Service("job").oneshot().shutdown_on_exit()});
    s.boot().spawned("job").killed("job", SIGSEGV);
    EXPECT_EQ(s.last().back(), "finish 139");
}

TEST(EndAction, StatusOfAnUnknownEndIsOne) {
    Scenario s({Service("job").oneshot().shutdown_on_exit()});
    s.boot().spawned("job").event(core::Exited{s.run("job"), ExitStatus::unknown(), false});
    EXPECT_EQ(s.last().back(), "finish 1");
}

TEST(EndAction, StatusOfACommandThatIsNotThereIs127AndElse126) {
    Scenario s({Service("job").oneshot().shutdown_on_failure()});
    s.boot().spawn_fails("job", "exec /bin/job: No such file or directory", true);
    EXPECT_EQ(s.last().back(), "finish 127");
    Scenario t({Service("job").oneshot().shutdown_on_failure()});
    t.boot().spawn_fails("job", "exec /bin/job: Permission denied", false);
    EXPECT_EQ(t.last().back(), "finish 126");
}

TEST(EndAction, StatusOfAFailureIsNeverZero) {
    Scenario s({Service("a").notify().restart(config::RestartPolicy::Never).shutdown_on_failure()});
    s.boot().spawned("a").exits("a", 0);
    EXPECT_EQ(s.last().back(), "finish 1");
}

TEST(EndAction, OnFailureDoesNothingOnSuccess) {
    Scenario s({Service("a").oneshot().shutdown_on_failure(), Service("b")});
    s.boot_up();
    EXPECT_EQ(s.state("a"), "done");
    EXPECT_FALSE(s.engine().shutting_down());
}

TEST(EndAction, WaitsUntilTheEndIsForGood) {
    Scenario s({Service("a").limit(1, 1h).shutdown_on_failure()});
    s.boot().spawned("a").exits("a", 4);
    EXPECT_FALSE(s.engine().shutting_down());
    s.pass(100ms).spawned("a").exits("a", 4);
    EXPECT_EQ(s.last().back(), "finish 4");
}

TEST(EndAction, AskedForShutdownMeanwhileStaysInOrder) {
    Scenario s({Service("job").oneshot().shutdown_on_exit(), Service("other")});
    s.boot().up("other").spawned("job").exits("job", 5).take();
    s.shutdown();
    EXPECT_THAT(s.take(), IsEmpty());
    s.shutdown();
    EXPECT_THAT(s.take(), ElementsAre("kill other"));
    s.killed("other", SIGKILL);
    EXPECT_EQ(s.last().back(), "finish 5");
}

TEST(ExitWhenIdle, FinishesOnceNothingIsUpOrDue) {
    Scenario s(
        {Service("a").oneshot(), Service("b").oneshot().restart(config::RestartPolicy::OnFailure)},
        settings(60s, config::ExitWhen::Idle));
    s.boot().spawned("a").spawned("b").exits("a").exits("b", 1);
    EXPECT_FALSE(s.engine().shutting_down());
    s.pass(100ms).spawned("b").exits("b", 0);
    EXPECT_EQ(s.last().back(), "finish 0");
}

TEST(ExitWhenIdle, DoesNotCountGroupsAndWhatIsStuck) {
    Scenario s(
        {Service("all").group().wants({"a"}), Service("a").oneshot(), Service("b").needs({"a"})},
        settings(60s, config::ExitWhen::Idle));
    s.boot().spawned("a").exits("a", 1);
    EXPECT_EQ(s.last().back(), "finish 0");
}

TEST(ExitWhenIdle, DoesNotFinishBeforeBoot) {
    Scenario s({Service("a")}, settings(60s, config::ExitWhen::Idle));
    s.event(core::DeadlinePassed{});
    EXPECT_FALSE(s.engine().shutting_down());
}

TEST(ExitWhenIdle, IsNotTheDefault) {
    Scenario s({Service("a").oneshot()});
    s.boot_up();
    EXPECT_FALSE(s.engine().shutting_down());
}

TEST(Shutdown, OfAClientAskedTwiceGoesOnInOrder) {
    Scenario s({Service("web")});
    s.boot_up();
    s.event(core::ShutdownAsked{"a client", false}).event(core::ShutdownAsked{"a client", false});
    s.event(core::ShutdownAsked{"SIGTERM", true});
    EXPECT_THAT(s.take(), ElementsAre("signal web SIGTERM", "signal web SIGCONT"));
    s.event(core::ShutdownAsked{"SIGTERM", true});
    EXPECT_THAT(s.take(), ElementsAre("kill web"));
}

}  // namespace
}  // namespace reeve::test
