#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using config::RestartPolicy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Lets it crash, and says how long until it is spawned again; nothing if it is not.
std::optional<Duration> crash(Scenario& s, const std::string& name, int code = 1) {
    s.exits(name, code);
    if (s.state(name) == "starting") return 0s;
    if (s.state(name) != "backoff") return std::nullopt;
    const Duration wait = s.next().value();
    s.pass(wait);
    return wait;
}

TEST(Restart, WaitsLongerAfterEachQuickExitUpToTheMost) {
    Scenario s({Service("a").backoff({100ms, 2, 1s, 0, 10s})});
    s.boot().spawned("a");
    std::vector<Duration> waits;
    for (int i = 0; i < 6; ++i) {
        waits.push_back(crash(s, "a").value());
        s.spawned("a");
    }
    EXPECT_THAT(waits, ElementsAre(100ms, 200ms, 400ms, 800ms, 1s, 1s));
    EXPECT_EQ(s.unit("a").history.restarts, 6);
}

TEST(Restart, SaysHowItEndedAndHowOften) {
    Scenario s({Service("a")});
    s.boot().spawned("a").pass(120ms).exits("a", 1);
    EXPECT_EQ(s.cause("a"), "exit 1 after 120 ms");
    s.pass(100ms).spawned("a").pass(130ms).killed("a", SIGSEGV);
    EXPECT_EQ(s.cause("a"), "killed by SIGSEGV after 130 ms, 2nd time");
}

TEST(Restart, IsAtOnceAfterALongRunAndCountsAnew) {
    Scenario s({Service("a")});
    s.boot().spawned("a");
    EXPECT_EQ(crash(s, "a"), 100ms);
    s.spawned("a").pass(10s);
    EXPECT_EQ(crash(s, "a"), 0s);
    s.spawned("a");
    EXPECT_EQ(crash(s, "a"), 100ms);
}

TEST(Restart, ARunJustShortOfLongIsQuick) {
    Scenario s({Service("a")});
    s.boot().spawned("a").pass(10s - 1ns);
    EXPECT_EQ(crash(s, "a"), 100ms);
}

TEST(Restart, TimeBeforeReadyDoesNotMakeARunLong) {
    Scenario s({Service("a").notify()});
    s.boot().spawned("a").pass(30s);
    EXPECT_EQ(crash(s, "a"), 100ms);
}

TEST(Restart, JitterStaysInBoundsAndIsNotAlwaysTheSame) {
    std::set<Duration> seen;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        Scenario s(plan({Service("a").backoff({100ms, 2, 1min, 0.1, 10s})}), seed);
        s.boot().spawned("a");
        const Duration wait = crash(s, "a").value();
        EXPECT_GE(wait, 90ms);
        EXPECT_LE(wait, 110ms);
        seen.insert(wait);
    }
    EXPECT_GT(seen.size(), 150u);
    EXPECT_LT(*seen.begin(), 93ms);
    EXPECT_GT(*seen.rbegin(), 107ms);
}

TEST(Restart, SameSeedGivesTheSameJitter) {
    const auto wait = [](std::uint64_t seed) {
        Scenario s(plan({Service("a").backoff({100ms, 2, 1min, 0.5, 10s})}), seed);
        s.boot().spawned("a");
        return crash(s, "a");
    };
    EXPECT_EQ(wait(7), wait(7));
    EXPECT_NE(wait(7), wait(8));
}

TEST(Restart, LimitMakesTheExitAfterItFinal) {
    Scenario s({Service("a").limit(2, 10s)});
    s.boot().spawned("a");
    EXPECT_TRUE(crash(s, "a"));
    s.spawned("a");
    EXPECT_TRUE(crash(s, "a"));
    s.spawned("a");
    EXPECT_FALSE(crash(s, "a"));
    EXPECT_EQ(s.state("a"), "failed");
    EXPECT_THAT(s.cause("a"), HasSubstr("restarted 2 times within 10 s, the limit"));
}

TEST(Restart, LimitForgetsRestartsThatAreLongAgo) {
    Scenario s({Service("a").limit(2, 10s)});
    s.boot().spawned("a");
    for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(crash(s, "a"));
        s.spawned("a").pass(6s);
    }
}

TEST(Restart, StartByHandForgetsTheLimitAndTheBackoff) {
    Scenario s({Service("a").limit(1, 1h)});
    s.boot().spawned("a");
    crash(s, "a");
    s.spawned("a");
    EXPECT_FALSE(crash(s, "a"));
    s.start({"a"}).spawned("a");
    EXPECT_EQ(s.unit("a").history.restarts, 0);
    EXPECT_EQ(crash(s, "a"), 100ms);
}

struct PolicyCase {
    RestartPolicy policy;
    int code;
    const char* simple;
    const char* oneshot;
};

TEST(Restart, PolicySaysWhetherAnExitIsFinal) {
    const PolicyCase cases[] = {
        {RestartPolicy::Always, 0, "backoff", "done"},
        {RestartPolicy::Always, 1, "backoff", "backoff"},
        {RestartPolicy::OnFailure, 0, "done", "done"},
        {RestartPolicy::OnFailure, 1, "backoff", "backoff"},
        {RestartPolicy::Never, 0, "done", "done"},
        {RestartPolicy::Never, 1, "failed", "failed"},
    };
    for (const PolicyCase& c : cases) {
        Scenario s({Service("o").oneshot().restart(c.policy), Service("s").restart(c.policy)});
        s.boot().spawned("o").spawned("s").exits("o", c.code).exits("s", c.code);
        EXPECT_EQ(s.state("s"), c.simple);
        EXPECT_EQ(s.state("o"), c.oneshot);
    }
}

TEST(Restart, SuccessExitNamesOtherGoodStatuses) {
    Scenario s({Service("a").restart(RestartPolicy::OnFailure).success(3),
                Service("b").restart(RestartPolicy::OnFailure).success_signal(SIGUSR1),
                Service("c").restart(RestartPolicy::OnFailure).success(3)});
    s.boot_up().exits("a", 3).killed("b", SIGUSR1).exits("c", 4);
    EXPECT_EQ(s.state("a"), "done");
    EXPECT_EQ(s.state("b"), "done");
    EXPECT_EQ(s.state("c"), "backoff");
}

TEST(Restart, PreventExitIsFinalWhateverThePolicy) {
    Scenario s({Service("a").final_exit(7), Service("b").final_exit(0)});
    s.boot_up().exits("a", 7).exits("b", 0);
    EXPECT_EQ(s.state("a"), "failed");
    EXPECT_EQ(s.state("b"), "done");
}

TEST(Restart, UnknownStatusIsAFailure) {
    Scenario s({Service("a").restart(RestartPolicy::OnFailure)});
    s.boot_up().event(core::Exited{s.run("a"), ExitStatus::unknown(), false});
    EXPECT_EQ(s.state("a"), "backoff");
}

TEST(Restart, SpawnFailureIsTriedAgainAndSaysTheStep) {
    Scenario s({Service("a")});
    s.boot().spawn_fails("a", "chdir /srv/a: No such file or directory", false);
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_EQ(s.cause("a"), "cannot start: chdir /srv/a: No such file or directory");
    EXPECT_THAT(s.take(), ElementsAre("spawn a", "reap a"));
}

TEST(Restart, ExitOfAOneshotIsNeverBeforeItWasReady) {
    Scenario s({Service("a").oneshot().restart(RestartPolicy::OnFailure)});
    s.boot().spawned("a").exits("a", 1);
    EXPECT_THAT(s.cause("a"), ::testing::Not(HasSubstr("before it was ready")));
}

TEST(Restart, ExitBeforeReadySaysSoAndIsAFailureWhateverTheStatus) {
    Scenario s({Service("a").notify().restart(RestartPolicy::OnFailure)});
    s.boot().spawned("a").exits("a", 0);
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_THAT(s.cause("a"), HasSubstr("before it was ready"));
}

TEST(Restart, CrashEndsTheProbeUnderWay) {
    Scenario s({Service("a").probed()});
    s.boot().spawned("a").take();
    s.exits("a", 1);
    EXPECT_THAT(s.take(), ElementsAre("cancel a", "reap a"));
}

TEST(Restart, DependentsKeepRunningThroughACrash) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().exits("db", 1);
    EXPECT_EQ(s.state("web"), "running");
    s.pass(100ms).up("db");
    EXPECT_EQ(s.history("web"), (Lines{"waiting", "starting", "running"}));
}

TEST(Restart, CrashedDependentWaitsForItsCrashedRequirement) {
    Scenario s({Service("db"), Service("web").needs({"db"}).backoff({10ms, 1, 10ms, 0, 10s})});
    s.boot_up().exits("db", 1).exits("web", 1).pass(10ms);
    EXPECT_EQ(s.cause("web"), "waits for db (backoff)");
    s.pass(90ms).up("db");
    EXPECT_EQ(s.state("web"), "starting");
}

// What a crashed main process leaves behind.

TEST(Leftovers, GetTermAndAreGoneBeforeTheNextStart) {
    Scenario s({Service("a")});
    s.boot_up().exits("a", 1, true);
    EXPECT_EQ(s.state("a"), "stopping");
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM tree", "signal a SIGCONT tree"));
    s.pass(5s);
    EXPECT_THAT(s.take(), IsEmpty());
    s.tree_empties("a");
    EXPECT_THAT(s.take(), ElementsAre("reap a"));
    EXPECT_EQ(s.state("a"), "backoff");
}

TEST(Leftovers, AreKilledAtTheTimeout) {
    Scenario s({Service("a").stop_timeout(2s)});
    s.boot_up().exits("a", 1, true).take();
    s.pass(2s);
    EXPECT_THAT(s.take(), ElementsAre("kill a"));
    s.tree_empties("a");
    EXPECT_EQ(s.state("a"), "backoff");
    EXPECT_THAT(s.cause("a"), HasSubstr("killed"));
}

TEST(Leftovers, TimeSpentOnThemDoesNotMakeTheRunLong) {
    Scenario s({Service("a").stop_timeout(60s)});
    s.boot_up().pass(1s).exits("a", 1, true).pass(30s).tree_empties("a");
    EXPECT_EQ(s.state("a"), "backoff");
}

TEST(Leftovers, OfAOneshotAreGoneBeforeItIsDone) {
    Scenario s({Service("a").oneshot(), Service("b").needs({"a"})});
    s.boot().spawned("a").exits("a", 0, true);
    EXPECT_EQ(s.state("b"), "waiting");
    s.tree_empties("a");
    EXPECT_EQ(s.state("a"), "done");
    EXPECT_EQ(s.state("b"), "starting");
}

TEST(Leftovers, CrashEndsTheProbeBesideThem) {
    Scenario s({Service("a").probed()});
    s.boot().spawned("a").take();
    s.exits("a", 1, true);
    EXPECT_EQ(s.take().front(), "cancel a");
}

TEST(Leftovers, CrashEndsTheReloadCommandBesideThem) {
    Scenario s({Service("a").reload_command({"reload-a"})});
    s.boot_up().reload({"a"}).take();
    s.exits("a", 1, true);
    EXPECT_EQ(s.take().front(), "cancel a");
}

TEST(Leftovers, AStopMeanwhileMakesItStopped) {
    Scenario s({Service("a")});
    s.boot_up().exits("a", 1, true).stop({"a"}).take();
    s.tree_empties("a");
    EXPECT_EQ(s.state("a"), "stopped");
    EXPECT_THAT(s.take(), ElementsAre("reap a", "reply 1 a:done"));
}

TEST(Leftovers, AStartByHandMeanwhileSparesItTheBackoff) {
    Scenario s({Service("a")});
    s.boot_up().exits("a", 1, true).start({"a"}).take();
    s.tree_empties("a");
    EXPECT_THAT(s.take(), ElementsAre("reap a", "spawn a"));
    s.up("a");
    EXPECT_THAT(s.take(), ElementsAre("reply 1 a:done"));
}

TEST(Leftovers, ARestartMeanwhileSparesItTheBackoff) {
    Scenario s({Service("a")});
    s.boot_up().exits("a", 1, true).restart({"a"}).take();
    s.tree_empties("a");
    EXPECT_THAT(s.take(), ElementsAre("reap a", "spawn a"));
}

TEST(Leftovers, EmptyTreeWhileTheMainProcessLivesMeansNothing) {
    Scenario s({Service("a")});
    s.boot_up().tree_empties("a");
    EXPECT_EQ(s.state("a"), "running");
    s.stop({"a"}).tree_empties("a");
    EXPECT_EQ(s.state("a"), "stopping");
}

TEST(Leftovers, ASecondWordOfTheExitMeansNothing) {
    Scenario s({Service("a")});
    s.boot_up().exits("a", 1, true).take();
    s.exits("a", 0);
    EXPECT_THAT(s.take(), IsEmpty());
    EXPECT_EQ(s.state("a"), "stopping");
}

TEST(Final, IsToldByWhichSettingNothingFollows) {
    using Policy = config::RestartPolicy;
    Scenario s({Service("a").restart(Policy::Never), Service("b").restart(Policy::OnFailure),
                Service("c").restart(Policy::Never).final_exit(3),
                Service("d").restart(Policy::Always).final_exit(0)});
    s.boot_up().exits("a", 1).exits("b").exits("c", 3).exits("d");
    EXPECT_EQ(s.cause("a"), "exit 1 after 0 s; restart: never makes that final");
    EXPECT_EQ(s.cause("b"), "exit 0 after 0 s; restart: on-failure makes that final");
    EXPECT_EQ(s.cause("c"), "exit 3 after 0 s; restart_prevent_exit makes that final");
    EXPECT_EQ(s.cause("d"), "exit 0 after 0 s; restart_prevent_exit makes that final");
    EXPECT_EQ(s.unit("a").failures.back().cause, "exit 1 after 0 s");
}

TEST(Final, IsNotToldOfAOneshotNorWhereTheLimitIsTheReason) {
    Scenario s({Service("a").oneshot(),
                Service("b").oneshot().restart(config::RestartPolicy::OnFailure),
                Service("c").oneshot(), Service("d").limit(1, 10s)});
    s.boot().spawned("a").exits("a", 1).spawned("b").exits("b").spawned("c").exits("c");
    EXPECT_EQ(s.cause("a"), "exit 1 after 0 s");
    EXPECT_EQ(s.cause("b"), "exit 0 after 0 s");
    EXPECT_EQ(s.cause("c"), "exit 0 after 0 s");
    s.spawned("d").exits("d", 1).pass(1s).spawned("d").exits("d", 1);
    EXPECT_THAT(s.cause("d"), testing::EndsWith("restarted once within 10 s, the limit"));
}

}  // namespace
}  // namespace reeve::test
