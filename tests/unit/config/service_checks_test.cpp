#include "config/service_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/support.h"

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

TEST(Grouping, NeedsNoCommand) {
    const LoadResult result =
        load_yaml("services: {all: {wants: [a]}, b: {requires: [a]}, a: {command: x}}");
    ASSERT_THAT(result.problems, IsEmpty());
    EXPECT_THAT(result.plan->services[1]->execution.command, IsEmpty());
}

TEST(Grouping, TakesNoSettingsOfAProcess) {
    EXPECT_THAT(
        problems_in("services: {all: {wants: [a], nice: 5, type: oneshot}, a: {command: x}}"),
        ElementsAre(HasSubstr("services.all.nice: has no effect without a command"),
                    HasSubstr("services.all.type: has no effect without a command")));
    EXPECT_THAT(problems_in("defaults: {nice: 5}\nservices: {all: {wants: [a]}, a: {command: x}}"),
                IsEmpty());
}

TEST(Oneshot, IsNotRestartedByDefault) {
    EXPECT_EQ(service_in(web("type: oneshot")).policy.restart, RestartPolicy::Never);
    EXPECT_EQ(service_in(web("type: oneshot\n    restart: on-failure")).policy.restart,
              RestartPolicy::OnFailure);
}

TEST(Oneshot, TakesNothingThatNeedsItToGoOn) {
    EXPECT_THAT(problems_in(web("type: oneshot\n    restart: always")),
                ElementsAre(StartsWith("t.yaml:5:14: error: services.web.restart: a oneshot")));
    EXPECT_THAT(problems_in(web("type: oneshot\n    ready: notify")),
                ElementsAre(HasSubstr("services.web.ready: a oneshot is ready once")));
    EXPECT_THAT(problems_in(web("type: oneshot\n    reload: {}")),
                ElementsAre(HasSubstr("services.web.reload: a oneshot has nothing to reload")));
    EXPECT_THAT(problems_in(web("type: oneshot\n    health: {exec: x}")),
                ElementsAre(HasSubstr("services.web.health: a oneshot is not watched")));
    EXPECT_THAT(problems_in(web("type: oneshot\n    watchdog: 5s")),
                ElementsAre(HasSubstr("services.web.watchdog: a oneshot is not watched")));
    EXPECT_THAT(problems_in(web("type: oneshot\n    post_start: x")),
                ElementsAre(HasSubstr("services.web.post_start: a oneshot has ended once")));
    EXPECT_THAT(problems_in(web("type: oneshot\n    pre_stop: x")),
                ElementsAre(HasSubstr("services.web.pre_stop: never runs, for a oneshot has")));
    const Service s = service_in(
        "defaults: {ready: notify, reload: {}, health: {exec: x}, watchdog: 5s, post_start: x, "
        "pre_stop: x}\n" +
        web("type: oneshot"));
    EXPECT_THAT(s.policy.hooks.pre_stop, IsEmpty());
    EXPECT_FALSE(s.policy.ready);
    EXPECT_FALSE(s.policy.reload);
    EXPECT_FALSE(s.policy.health);
    EXPECT_FALSE(s.policy.watchdog);
    EXPECT_THAT(s.policy.hooks.post_start, IsEmpty());
}

TEST(WatchdogChecks, TakeNoneForWhatDefaultsSet) {
    const std::string defaults = "defaults: {watchdog: 5s}\n";
    EXPECT_EQ(service_in(defaults + web("")).policy.watchdog, Duration(5s));
    EXPECT_FALSE(service_in(defaults + web("watchdog: none")).policy.watchdog);
}

TEST(StopChecks, RefuseToSignalWhatShallBeLeft) {
    EXPECT_THAT(problems_in(web("stop: {scope: tree, rest: leave}")),
                ElementsAre(HasSubstr("t.yaml:4:31: error: services.web.stop.rest: leaves the "
                                      "other processes alone, while stop.scope")));
    EXPECT_THAT(problems_in("defaults: {stop: {scope: tree}}\n" + web("stop: {rest: leave}")),
                SizeIs(1));
    EXPECT_THAT(problems_in(web("stop: {scope: main, rest: leave}")), IsEmpty());
}

TEST(RestartPreventExitChecks, WantRestarts) {
    EXPECT_THAT(problems_in(web("restart: never\n    restart_prevent_exit: [3]")),
                ElementsAre(HasSubstr("services.web.restart_prevent_exit: has no effect, for the "
                                      "service is never restarted")));
    EXPECT_EQ(service_in("defaults: {restart_prevent_exit: [3]}\n" + web("restart: never"))
                  .policy.restart_prevent_exit,
              ExitSet{});
}

TEST(ConflictChecks, WarnOfWhatIsNotStartedAtBoot) {
    EXPECT_THAT(
        problems_in("services:\n  b: {command: x, conflicts: [a]}\n  a: {command: x}\n"
                    "  c: {command: x, conflicts: [b]}\n"),
        ElementsAre("t.yaml:2:31: warning: services.b.conflicts: a and b conflict and are both "
                    "enabled: at boot a is started, the first by name, and b is not; write "
                    "`enabled: false` in one of them"));
    EXPECT_THAT(problems_in("services: {b: {command: x, conflicts: [a], enabled: false}, a: "
                            "{command: x}}"),
                IsEmpty());
}

TEST(Forking, AloneReadsAPidFile) {
    EXPECT_EQ(service_in(web("type: forking\n    pid_file: /run/x.pid")).execution.pid_file,
              "/run/x.pid");
    EXPECT_EQ(service_in(web("type: forking")).execution.pid_file, "");
    EXPECT_THAT(
        problems_in(web("pid_file: /run/x.pid")),
        ElementsAre(HasSubstr("services.web.pid_file: is read of forking services only; add "
                              "`type: forking`")));
    const std::string defaults = "defaults: {pid_file: '/run/${SERVICE}.pid'}\n";
    EXPECT_EQ(service_in(defaults + web("")).execution.pid_file, "");
    EXPECT_EQ(service_in(defaults + web("type: forking")).execution.pid_file, "/run/web.pid");
}

TEST(HookChecks, WantRootForRoot) {
    LoadOptions options;
    options.uid = 3999999;
    EXPECT_THAT(
        problems_in(web("post_stop: [[a], {command: b, as: root}]"), options),
        ElementsAre(HasSubstr("t.yaml:4:16: error: services.web.post_stop: as: root takes a "
                              "supervisor that runs as root")));
    EXPECT_THAT(problems_in(web("post_stop: {command: b, as: service}"), options), IsEmpty());
}

TEST(DirectoryChecks, WantAFolderForAMode) {
    EXPECT_THAT(problems_in(web("directories: {mode: \"0700\"}")),
                ElementsAre(HasSubstr("services.web.directories.mode: has no effect without")));
    const std::string defaults = "defaults: {directories: {mode: \"0700\"}}\n";
    EXPECT_EQ(service_in(defaults + web("")).execution.directories, Directories{});
    EXPECT_EQ(service_in(defaults + web("directories: {state: [a]}")).execution.directories.mode,
              0700u);
}

TEST(Alternatives, ExcludeEachOther) {
    EXPECT_THAT(problems_in(web("reload: {signal: HUP, command: x}")),
                ElementsAre(HasSubstr("services.web.reload: has both signal and command")));
    EXPECT_THAT(problems_in(web("stop: {signal: HUP, command: x}")), IsEmpty());
}

TEST(BackoffChecks, WantTheFirstWaitBelowTheLongest) {
    EXPECT_THAT(problems_in(web("backoff: {initial: 2m}")),
                ElementsAre("t.yaml:4:24: error: services.web.backoff.initial: the first wait (2 "
                            "min) is longer than the longest (1 min); lower backoff.initial or "
                            "raise backoff.max"));
    EXPECT_THAT(problems_in("defaults: {backoff: {initial: 5s}}\n" + web("backoff: {max: 1s}")),
                ElementsAre(HasSubstr("t.yaml:1:31: error: services.web.backoff.initial")));
    EXPECT_THAT(problems_in(web("backoff: {initial: 5s, max: 5s}")), IsEmpty());
}

TEST(RestartLimitChecks, WantItToBeReachable) {
    // 0.1 + 0.2 + 0.4 + 0.8 + 1.6 s, less 10%, is 2.79 s.
    EXPECT_THAT(problems_in(web("restart_limit: {count: 5, within: 2.79}")), IsEmpty());
    EXPECT_THAT(
        problems_in(web("restart_limit: {count: 5, within: 2.78}")),
        ElementsAre(testing::AllOf(HasSubstr("services.web.restart_limit: can never be"),
                                   HasSubstr("restart_limit.count"), HasSubstr("backoff.max"))));
    EXPECT_THAT(problems_in(web("restart_limit: {count: 1000000, within: 10s}\n"
                                "    backoff: {initial: 1ms, max: 1ms}")),
                SizeIs(1));
}

TEST(RestartLimitChecks, WantBothKeysAndRestarts) {
    EXPECT_THAT(problems_in(web("restart_limit: {count: 5}")),
                ElementsAre(HasSubstr("has no within")));
    EXPECT_THAT(problems_in(web("restart_limit: {within: 5s}")),
                ElementsAre(HasSubstr("has no count")));
    EXPECT_THAT(problems_in(web("restart_limit: {count: 1, within: 5s}\n    restart: never")),
                ElementsAre(HasSubstr("services.web.restart_limit: has no effect")));
    const std::string limit = "defaults: {restart_limit: {count: 1, within: 5s}}\n";
    EXPECT_THAT(problems_in(limit + web("restart: never")), IsEmpty());
    EXPECT_THAT(problems_in("defaults: {restart: never, restart_limit: {count: 1, within: 5s}}\n" +
                            web("nice: 1")),
                ElementsAre(HasSubstr("defaults.restart_limit: has no effect")));
}

TEST(ShortestWaits, SumTheGeometricSeries) {
    const auto close = [](Duration a, Duration b) { return a - b < 1us && b - a < 1us; };
    EXPECT_TRUE(close(shortest_waits({100ms, 2, 1min, 0, 10s}, 5), 3100ms));
    EXPECT_TRUE(close(shortest_waits({100ms, 2, 400ms, 0, 10s}, 5), 1500ms));
    EXPECT_TRUE(close(shortest_waits({100ms, 1, 1min, 0.5, 10s}, 5), 250ms));
    EXPECT_TRUE(close(shortest_waits({1s, 1000, 1s, 0, 10s}, 3), 3s));
    EXPECT_GT(shortest_waits({24h, 1, 24h, 0, 10s}, 1'000'000), 36500 * 24h);
}

TEST(LogChecks, WantALineToFitAFile) {
    EXPECT_THAT(problems_in(web("log: {max_size: 4KiB, max_line: 8KiB}")),
                ElementsAre(HasSubstr("services.web.log.max_line: is larger than a whole file")));
}

TEST(Relations, ReportUnknownNamesWithTheNearest) {
    EXPECT_THAT(
        problems_in("services:\n  database: {command: x}\n  web: {command: x, requires: [databse], "
                    "wants: [zz], after: [databas], before: [q]}\n"),
        ElementsAre("t.yaml:3:32: error: services.web.requires: there is no service \"databse\"; "
                    "did you mean database?",
                    HasSubstr("warning: services.web.wants: there is no service \"zz\"; add it"),
                    HasSubstr("warning: services.web.after: there is no service \"databas\"; did"),
                    HasSubstr("warning: services.web.before: there is no service \"q\"")));
}

TEST(Relations, LeaveUnknownWishesOutOfTheGraph) {
    const LoadResult result = load_yaml("services: {a: {command: x, wants: [nope], after: [no]}}");
    ASSERT_NE(result.plan, nullptr);
    EXPECT_THAT(result.plan->links[0].wants, IsEmpty());
    EXPECT_THAT(result.plan->services[0]->relations.wants, ElementsAre("nope"));
}

TEST(Relations, RefuseAServiceThatNamesItself) {
    EXPECT_THAT(problems_in(web("after: [web]")),
                ElementsAre("t.yaml:4:13: error: services.web.after: names itself; remove it"));
}

TEST(Relations, PrintCyclesAsPaths) {
    EXPECT_THAT(
        problems_in("services:\n  c: {command: x, wants: [a]}\n  a: {command: x, requires: [b]}\n"
                    "  b: {command: x}\n  d: {command: x}\n  e: {command: x, after: [d], "
                    "before: [d]}\n  b2: {command: x, after: [c], before: [b]}\n"),
        ElementsAre(
            "t.yaml:3:30: error: services.a.requires: dependency cycle a -> b -> b2 -> c -> "
            "a; remove one of these relations",
            HasSubstr("dependency cycle d -> e -> d")));
}

TEST(Relations, WantToKnowWhatAServiceIsBoundToButNotWithWhatItConflicts) {
    EXPECT_THAT(problems_in("services: {cache: {command: x, binds: [d], conflicts: [e]}}"),
                ElementsAre(HasSubstr("error: services.cache.binds: there is no service \"d\""),
                            HasSubstr("warning: services.cache.conflicts: there is no service")));
    EXPECT_THAT(problems_in(web("conflicts: [web]")), ElementsAre(HasSubstr("names itself")));
    EXPECT_THAT(problems_in("services: {a: {command: x, binds: [b]}, b: {command: x, after: [a]}}"),
                ElementsAre(HasSubstr("services.a.binds: dependency cycle a -> b -> a")));
}

TEST(Relations, RefuseToNeedWhatConflicts) {
    EXPECT_THAT(problems_in("services:\n  a: {command: x, requires: [b]}\n  b: {command: x, "
                            "requires: [c]}\n  c: {command: x, conflicts: [a]}\n"),
                ElementsAre("t.yaml:4:31: error: services.c.conflicts: a and c conflict, though a "
                            "requires c; remove one of these relations"));
    EXPECT_THAT(problems_in("services: {a: {command: x, wants: [b], conflicts: [b]}, b: {command: "
                            "x}, c: {command: x, binds: [a, d]}, d: {command: x, conflicts: [a]}}"),
                ElementsAre(HasSubstr("services.a.conflicts: a and b conflict, though a wants b"),
                            HasSubstr("services.d.conflicts: a and d conflict, though c requires "
                                      "both")));
    EXPECT_THAT(problems_in("services: {a: {command: x, after: [b], conflicts: [b]}, b: {command: "
                            "x, enabled: false}}"),
                IsEmpty());
}

TEST(Grouping, IsAlsoByWhatAServiceIsBoundTo) {
    EXPECT_THAT(problems_in("services: {all: {binds: [a], conflicts: [b]}, a: {command: x}, b: "
                            "{command: x, enabled: false}}"),
                IsEmpty());
}

TEST(Checks, ALineOfALogThatNobodyReadsIsNoReadiness) {
    for (const char* log : {"none", "inherit"}) {
        EXPECT_THAT(problems_in(web("ready: {log: up}\n    log: " + std::string(log))),
                    ElementsAre(HasSubstr(
                        "services.web.ready: looks for a line in a log that the supervisor does "
                        "not read")));
    }
    EXPECT_THAT(problems_in(web("ready: {log: up}\n    log: console")), IsEmpty());
}

TEST(Identity, IsLookedUp) {
    const auto credentials =
        *service_in("services: {a: {command: x, user: root}}").execution.credentials;
    EXPECT_EQ(credentials.uid, 0u);
    EXPECT_EQ(credentials.gid, 0u);
    EXPECT_EQ(credentials.home, "/root");
    EXPECT_THAT(credentials.supplementary_groups, testing::Contains(0u));
    EXPECT_EQ(service_in(web("user: 0")).execution.credentials->user, "root");
}

TEST(Identity, TakesIdsWithoutAnEntry) {
    const auto c = *service_in(web("user: 3999999\n    group: 3999998")).execution.credentials;
    EXPECT_EQ(c.uid, 3999999u);
    EXPECT_EQ(c.gid, 3999998u);
    EXPECT_EQ(c.user, "");
    EXPECT_THAT(c.supplementary_groups, IsEmpty());
    EXPECT_THAT(problems_in(web("user: 3999999")),
                ElementsAre(HasSubstr("services.web.user: user id 3999999 has no entry")));
}

TEST(Identity, ReportsWhatIsUnknown) {
    EXPECT_THAT(problems_in(web("user: no-such-user\n    group: no-such-group\n"
                                "    supplementary_groups: [root, no-such-group]")),
                ElementsAre(HasSubstr("t.yaml:4:11: error: services.web.user: unknown user"),
                            HasSubstr("services.web.group: unknown group"),
                            HasSubstr("services.web.supplementary_groups: unknown group")));
}

TEST(Identity, NeedsRootForOthers) {
    LoadOptions options;
    options.uid = 3999999;
    EXPECT_THAT(problems_in(web("user: root"), options),
                ElementsAre(HasSubstr("services.web.user: cannot be changed without root")));
    EXPECT_THAT(problems_in(web("supplementary_groups: [root]"), options),
                ElementsAre(HasSubstr("cannot be changed without root")));
    options.gid = 3999998;
    EXPECT_THAT(problems_in(web("group: root"), options),
                ElementsAre(HasSubstr("services.web.group: cannot be changed without root")));
    EXPECT_THAT(problems_in(web("user: 3999999\n    group: 3999998"), options), IsEmpty());
    const auto own = service_in(web("user: 3999999"), options).execution.credentials;
    EXPECT_EQ(own->gid, 3999998u);
}

}  // namespace
}  // namespace reeve::config
