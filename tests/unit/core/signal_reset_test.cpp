#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using ::testing::ElementsAre;

TEST(SendSignal, GoesToTheMainProcessOrTheTree) {
    Scenario s({Service("web")});
    s.boot_up().send({"web"}, SIGHUP).send({"web"}, SIGUSR1, config::StopScope::Tree);
    EXPECT_THAT(s.take(), ElementsAre("signal web SIGHUP", "reply 1 web:done",
                                      "signal web SIGUSR1 tree", "reply 2 web:done"));
}

TEST(SendSignal, ToOneWithoutAProcessIsNotRunning) {
    Scenario s({Service("group").group(), Service("off").disabled(), Service("new")});
    s.boot().take();
    s.send({"group", "off", "new"}, SIGTERM);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 group:not running off:not running new:not running"));
}

TEST(SendSignal, ReachesWhatAMainProcessLeftOnlyAsATree) {
    Scenario s({Service("web")});
    s.boot_up().exits("web", 1, true).take();
    s.send({"web"}, SIGUSR1).send({"web"}, SIGUSR1, config::StopScope::Tree);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 web:not running", "signal web SIGUSR1 tree",
                                      "reply 2 web:done"));
}

TEST(SendSignal, WhatFollowsIsUpToThePolicy) {
    Scenario s({Service("web")});
    s.boot_up().pass(1min).send({"web"}, SIGKILL).killed("web", SIGKILL).take();
    EXPECT_EQ(s.state("web"), "starting");
    EXPECT_EQ(s.unit("web").history.restarts, 1);
}

TEST(ResetFailed, MakesAFailedServiceAStoppedOne) {
    Scenario s({Service("web").restart(config::RestartPolicy::Never)});
    s.boot_up().exits("web", 3).take();
    s.reset({"web"});
    EXPECT_EQ(s.state("web"), "stopped");
    EXPECT_THAT(s.take(), ElementsAre("reply 1 web:done"));
}

TEST(ResetFailed, GivesBackTheRestartLimit) {
    Scenario s({Service("web").limit(2, 1h)});
    s.boot_up().exits("web", 1).pass(100ms).up("web").reset({"web"});
    EXPECT_EQ(s.unit("web").history.restarts, 0);
    s.exits("web", 1).pass(100ms).up("web").exits("web", 1).pass(1s).up("web");
    EXPECT_EQ(s.state("web"), "running");
    s.exits("web", 1);
    EXPECT_EQ(s.state("web"), "failed");
}

TEST(ResetFailed, LeavesWhatHasNotFailedAsItIs) {
    Scenario s({Service("up"), Service("off").disabled(), Service("slow")});
    s.boot_up().exits("slow", 1).take();
    s.reset({"up", "off", "slow"});
    EXPECT_EQ(s.state("up"), "running");
    EXPECT_EQ(s.state("off"), "stopped");
    EXPECT_EQ(s.state("slow"), "backoff");
    EXPECT_THAT(s.take(), ElementsAre("reply 1 up:done off:done slow:done"));
}

TEST(Failures, TellHowEachRunFailed) {
    Scenario s({Service("web").notify()});
    s.boot().spawn_fails("web").pass(100ms).spawned("web").pass(2s);
    s.event(core::Exited{s.run("web"), ExitStatus::killed(SIGKILL), false,
                         ResourceUsage{3s, 1s, 1 << 20}, true});
    const auto& failures = s.unit("web").failures;
    ASSERT_EQ(failures.size(), 2u);
    EXPECT_EQ(failures[0].cause, "cannot start: exec /bin/x: no such file");
    EXPECT_FALSE(failures[0].result.executed);
    EXPECT_EQ(failures[1].cause,
              "killed by SIGKILL for want of memory after 2 s, before it was ready");
    EXPECT_EQ(failures[1].result.status, ExitStatus::killed(SIGKILL));
    EXPECT_EQ(failures[1].result.at - failures[1].started, 2s);
    EXPECT_EQ(failures[1].result.usage->user, 3s);
    EXPECT_EQ(failures[1].result.out_of_memory, true);
}

TEST(Failures, AreNeitherGoodEndsNorThoseThatWereAskedFor) {
    Scenario s({Service("web"), Service("stopped")});
    s.boot_up().exits("web", 0).stop({"stopped"}).killed("stopped", SIGKILL);
    EXPECT_TRUE(s.unit("web").failures.empty());
    EXPECT_TRUE(s.unit("stopped").failures.empty());
}

TEST(Failures, OfLateOnesAreKept) {
    Scenario s({Service("web")});
    s.boot_up();
    for (int code = 1; code <= 13; ++code) s.exits("web", code).pass(1min).up("web");
    const auto& failures = s.unit("web").failures;
    ASSERT_EQ(failures.size(), 10u);
    EXPECT_EQ(failures.front().result.status, ExitStatus::exited(4));
    EXPECT_EQ(failures.back().result.status, ExitStatus::exited(13));
}

TEST(Shutdown, IsAnnouncedOnceWithItsCause) {
    Scenario s({Service("web").shutdown_on_exit().restart(config::RestartPolicy::Never)});
    s.boot_up().pass(2s).exits("web", 42).shutdown();
    EXPECT_EQ(s.shutdown_cause(),
              "web has ended: exit 42 after 2 s; restart: never makes that final");
    Scenario asked({Service("web")});
    asked.boot_up().shutdown();
    EXPECT_EQ(asked.shutdown_cause(), "test");
}

}  // namespace
}  // namespace reeve::test
