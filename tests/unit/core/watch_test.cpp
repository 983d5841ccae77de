#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

config::Health every(Duration interval, int failures = 3) {
    config::Health health;
    health.probe.interval = interval;
    health.probe.timeout = 1s;
    health.failures = failures;
    return health;
}

TEST(Health, IsAskedEveryIntervalOnceReady) {
    Scenario s({Service("a").health(every(10s))});
    s.boot().spawned("a");
    EXPECT_EQ(s.state("a"), "running");
    s.take();
    s.pass(0s);
    EXPECT_THAT(s.take(), ElementsAre("probe a"));
    s.probe("a", true).pass(9s);
    EXPECT_THAT(s.take(), IsEmpty());
    s.pass(1s);
    EXPECT_THAT(s.take(), ElementsAre("probe a"));
}

TEST(Health, FirstQuestionWaitsForTheStartDelay) {
    config::Health health = every(1s);
    health.start_delay = 30s;
    Scenario s({Service("a").health(health)});
    s.boot().spawned("a").take();
    s.pass(29s);
    EXPECT_THAT(s.take(), IsEmpty());
    s.pass(1s);
    EXPECT_THAT(s.take(), ElementsAre("probe a"));
}

TEST(Health, SoManyFailuresInARowRestartTheService) {
    Scenario s({Service("a").health(every(5s, 2))});
    s.boot().spawned("a").pass(0s).probe("a", false, "http: 500");
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_EQ(s.cause("a"), "unhealthy: http: 500");
    s.pass(5s).take();
    s.probe("a", false, "http: 500");
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
    s.exits("a");
    // An end of success counts for nothing when it was ended for being unwell.
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "unhealthy: http: 500, 2 times in a row");
    EXPECT_EQ(s.unit("a").failures.size(), 1u);
}

TEST(Health, OneGoodAnswerForgetsTheBadOnes) {
    Scenario s({Service("a").health(every(5s, 2))});
    s.boot().spawned("a").pass(0s).probe("a", false).pass(5s).probe("a", true);
    EXPECT_EQ(s.cause("a"), "healthy again");
    s.pass(5s).probe("a", false);
    EXPECT_EQ(s.state("a"), "running");
}

TEST(Health, SilenceIsAFailureAndTheProbeIsCancelled) {
    Scenario s({Service("a").health(every(5s, 1))});
    s.boot().spawned("a").pass(0s).take();
    s.pass(1s);
    EXPECT_THAT(s.take(), ElementsAre("cancel a", "signal a SIGTERM", "signal a SIGCONT"));
    EXPECT_EQ(s.cause("a"), "unhealthy: no answer within 1 s");
}

TEST(Health, WithoutActionIsTold) {
    config::Health health = every(5s, 1);
    health.action = config::HealthAction::None;
    Scenario s({Service("a").health(health)});
    s.boot().spawned("a").pass(0s).probe("a", false, "refused");
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_EQ(s.cause("a"), "unhealthy: refused");
}

TEST(Health, OfOneThatIsNotRestartedIsAFailureForGood) {
    Scenario s({Service("a").health(every(5s, 1)).restart(config::RestartPolicy::Never)});
    s.boot().spawned("a").pass(0s).probe("a", false).exits("a");
    EXPECT_EQ(s.state("a"), "failed");
}

TEST(Health, NewOneIsAskedAtOnceAndAnOldOneNoMore) {
    Scenario s({Service("a")});
    s.boot_up().replace({Service("a").health(every(5s))}).pass(0s);
    EXPECT_THAT(s.take(), ElementsAre("probe a"));
    s.replace({Service("a")}).pass(1min);
    EXPECT_THAT(s.take(), ElementsAre("cancel a"));
}

TEST(Health, GoesOnDuringAReload) {
    Scenario s({Service("a").health(every(5s, 1)).reload_command({"reread"})});
    s.boot().spawned("a").reload({"a"}).pass(0s).take();
    const auto tasks = core::tasks_of(s.unit("a").state());
    ASSERT_EQ(tasks.size(), 2u);
    s.event(core::ProbeAnswered{tasks[1], Answer::No, "refused"});
    EXPECT_EQ(s.state("a"), "stopping");
}

TEST(Watchdog, MustBeFedOnceReady) {
    Scenario s({Service("a").notify().watchdog(5s)});
    s.boot().spawned("a").pass(4s).ready("a");
    for (int i = 0; i < 3; ++i) {
        s.pass(4s).says({.run = s.run("a"), .watchdog = core::Notified::Watchdog::Alive});
    }
    EXPECT_EQ(s.state("a"), "running");
    s.take();
    s.pass(5s);
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGABRT", "signal a SIGCONT"));
    EXPECT_EQ(s.cause("a"), "no WATCHDOG=1 within 5 s");
    s.killed("a", SIGABRT);
    EXPECT_EQ(s.cause("a"), "restarted after no WATCHDOG=1 within 5 s");
    EXPECT_EQ(s.unit("a").failures.size(), 1u);
}

TEST(Watchdog, CanBeTriggeredAndChangedByTheServiceItself) {
    Scenario s({Service("a").notify().watchdog(5s), Service("b").notify().watchdog(5s)});
    s.boot_up().says({.run = s.run("a"), .watchdog_interval = 20s}).pass(4s);
    s.says({.run = s.run("b"), .watchdog = core::Notified::Watchdog::Alive}).pass(4s).take();
    EXPECT_EQ(s.state("a"), "running");
    s.says({.run = s.run("a"), .watchdog = core::Notified::Watchdog::Trigger});
    EXPECT_THAT(s.last(), ElementsAre("signal a SIGABRT", "signal a SIGCONT"));
    EXPECT_THAT(s.cause("a"), HasSubstr("WATCHDOG=trigger"));
}

TEST(Watchdog, ThatTheServiceAskedForOutlastsOtherChanges) {
    Scenario s({Service("a").notify()});
    s.boot_up().says({.run = s.run("a"), .watchdog_interval = 5s});
    s.replace({Service("a").notify().description("changed")}).take();
    s.pass(5s);
    EXPECT_THAT(s.take(), Contains("signal a SIGABRT"));
}

TEST(Watchdog, IsTakenAwayAtOnce) {
    Scenario s({Service("a").notify().watchdog(5s)});
    s.boot_up().replace({Service("a").notify()}).take();
    s.pass(1min);
    EXPECT_THAT(s.take(), IsEmpty());
}

TEST(Watchdog, LeavesMoreTimeAtOnceButLessAtTheNextStart) {
    Scenario s({Service("a").notify().watchdog(5s)});
    s.boot_up().replace({Service("a").notify().watchdog(30s)});
    s.says({.run = s.run("a"), .watchdog = core::Notified::Watchdog::Alive}).pass(29s);
    EXPECT_EQ(s.state("a"), "running");
    s.replace({Service("a").notify().watchdog(1s)}).take();
    EXPECT_EQ(s.state("a"), "stopping");
    EXPECT_THAT(s.cause("a"), HasSubstr("its definition changed"));
}

TEST(Health, ThatCannotBeAskedIsNoFailure) {
    Scenario s({Service("a").health(every(30s, 2))});
    s.boot().spawned("a").pass(0s);
    for (int i = 0; i < 5; ++i) s.unasked("a").pass(1s);
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_EQ(s.cause("a"), "its health probe cannot be asked: socket: Too many open files");
    EXPECT_EQ(s.unit("a").unhealthy, "");
    s.probe("a", true);
    EXPECT_EQ(s.cause("a"), "its health probe answers again");
    EXPECT_EQ(s.next(), 30s);
}

TEST(Health, ThatCannotBeAskedForgetsNoFailureEither) {
    Scenario s({Service("a").health(every(5s, 2))});
    s.boot().spawned("a").pass(0s).probe("a", false, "refused").pass(5s).unasked("a");
    EXPECT_EQ(s.unit("a").unhealthy, "refused");
    s.pass(1s).probe("a", false, "refused");
    EXPECT_EQ(s.state("a"), "stopping");
    EXPECT_EQ(s.cause("a"), "unhealthy: refused, 2 times in a row");
}

TEST(Health, ThatCannotBeAskedIsForgottenWithItsProbe) {
    Scenario s({Service("a").health(every(5s))});
    s.boot().spawned("a").pass(0s).unasked("a").replace({Service("a")});
    EXPECT_EQ(s.cause("a"), "its health probe was changed");
    EXPECT_EQ(s.next(), std::nullopt);
}

}  // namespace
}  // namespace reeve::test
