#include "config/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/graph.h"
#include "config/literal_yaml.h"
#include "tests/unit/config/support.h"

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ServiceChange change(std::string_view old_keys, std::string_view new_keys) {
    const LoadResult old = load_yaml(web(old_keys)), now = load_yaml(web(new_keys));
    if (!old.plan || !now.plan) throw std::runtime_error("not valid");
    return diff(*old.plan, *now.plan).services.at(0);
}

TEST(Diff, OfThePlanWithItselfIsEmpty) {
    const LoadResult a = load_yaml(web("nice: 5")), b = load_yaml(web("nice: 5"));
    const PlanDiff d = diff(*a.plan, *b.plan);
    EXPECT_TRUE(d.empty());
    EXPECT_THAT(d.services, ElementsAre(ServiceChange{"web", Change::Unchanged, {}}));
}

TEST(Diff, TellsAddedFromRemoved) {
    const LoadResult old =
        load_yaml("services: {a: {command: x}, b: {command: x}, d: {command: x}}");
    const LoadResult now =
        load_yaml("services: {b: {command: x}, c: {command: x}, e: {command: x}}");
    const PlanDiff d = diff(*old.plan, *now.plan);
    EXPECT_THAT(d.services, ElementsAre(ServiceChange{"a", Change::Removed, {}},
                                        ServiceChange{"b", Change::Unchanged, {}},
                                        ServiceChange{"c", Change::Added, {}},
                                        ServiceChange{"d", Change::Removed, {}},
                                        ServiceChange{"e", Change::Added, {}}));
    EXPECT_FALSE(d.empty());
}

TEST(Diff, RestartsForWhatChangesTheProcess) {
    for (const char* keys : {"user: root",
                             "working_dir: /srv",
                             "environment: {A: b}",
                             "environment_files: [/a]",
                             "inherit_environment: false",
                             "umask: 077",
                             "nice: 1",
                             "limits: {core: 0}",
                             "stdin: /dev/zero",
                             "type: oneshot",
                             "type: forking",
                             "type: forking\n    pid_file: /p",
                             "oom_score_adj: 1",
                             "cpu_affinity: [0]",
                             "scheduling: batch",
                             "io_priority: idle",
                             "no_new_privileges: true",
                             "capabilities: []",
                             "chroot: /c",
                             "directories: {runtime: [a]}"}) {
        EXPECT_EQ(change("description: x", std::string("description: x\n    ") + keys).change,
                  Change::Restart)
            << keys;
    }
}

TEST(Diff, AppliesPolicyLive) {
    for (const char* keys : {"description: y",
                             "enabled: false",
                             "groups: [g]",
                             "wants: [q]",
                             "after: [q]",
                             "before: [q]",
                             "ready: notify",
                             "start_timeout: 5s",
                             "restart: never",
                             "backoff: {max: 5s}",
                             "restart_limit: {count: 1, within: 5s}",
                             "success_exit: [1]",
                             "restart_prevent_exit: [1]",
                             "on_exit: shutdown",
                             "on_failure: shutdown",
                             "stop: {timeout: 5s}",
                             "reload: {}",
                             "log: {max_files: 2}",
                             "log: console",
                             "ready: {fd: 3}",
                             "health: {tcp: 'a:1'}",
                             "stop: {rest: leave}",
                             "pre_start: x",
                             "post_start: x",
                             "pre_stop: x",
                             "post_stop: x",
                             "conflicts: [q]"}) {
        const ServiceChange c = change("nice: 1", std::string("nice: 1\n    ") + keys);
        EXPECT_EQ(c.change, Change::Live) << keys;
        const std::string key(keys, std::string_view(keys).find(':'));
        EXPECT_THAT(c.keys, ElementsAre(key)) << keys;
    }
}

TEST(Diff, RestartsForOtherDescriptors) {
    EXPECT_EQ(change("log: file", "log: inherit"),
              (ServiceChange{"web", Change::Restart, {"log"}}));
    EXPECT_EQ(change("log: none", "log: console").change, Change::Restart);
}

TEST(Diff, AppliesAChangeOfWhatItBindsLive) {
    const std::string other = "\n  db: {command: x}";
    const LoadResult old = load_yaml(web("requires: [db]" + other));
    const LoadResult now = load_yaml(web("binds: [db]" + other));
    EXPECT_THAT(diff(*old.plan, *now.plan).services[1],
                (ServiceChange{"web", Change::Live, {"requires", "binds"}}));
}

TEST(Diff, RestartsForAWatchdogThatTheProcessHasToHearOf) {
    EXPECT_EQ(change("nice: 1", "nice: 1\n    watchdog: 5s"),
              (ServiceChange{"web", Change::Restart, {"watchdog"}}));
    EXPECT_EQ(change("watchdog: 5s", "watchdog: 4s").change, Change::Restart);
    EXPECT_EQ(change("watchdog: 5s", "watchdog: 6s").change, Change::Live);
    EXPECT_EQ(change("watchdog: 5s\n    nice: 1", "nice: 1").change, Change::Live);
}

TEST(Diff, NamesTheKeysThatDiffer) {
    EXPECT_EQ(
        change("nice: 1\n    umask: 077", "umask: 022\n    user: root\n    restart: never"),
        (ServiceChange{"web",
                       Change::Restart,
                       {"user", "group", "supplementary_groups", "umask", "nice", "restart"}}));
}

TEST(Diff, NamesTheSupervisorsKeysThatDiffer) {
    const LoadResult old = load_yaml("supervisor: {log: {level: info}}\n" + web("nice: 1"));
    const LoadResult now =
        load_yaml("supervisor: {log: {level: debug}, socket: {mode: 0660}, exit_when: idle}\n" +
                  web("nice: 1"));
    const PlanDiff d = diff(*old.plan, *now.plan);
    EXPECT_THAT(d.supervisor_keys, ElementsAre("log", "socket", "exit_when"));
    EXPECT_FALSE(d.empty());
}

/// What changes between two definitions of one service, one line a key.
std::vector<std::string> changes(const std::string& old_keys, const std::string& new_keys) {
    std::vector<std::string> lines;
    for (const KeyChange& c : key_changes(service_in(web(old_keys)), service_in(web(new_keys)))) {
        lines.push_back(c.key + ": " + to_yaml_line(c.from) + " -> " + to_yaml_line(c.to));
    }
    return lines;
}

TEST(KeyChanges, GiveOldAndNewValues) {
    EXPECT_THAT(changes("nice: 1", "nice: 1"), IsEmpty());
    EXPECT_THAT(changes("nice: 1", "nice: 2"), ElementsAre("nice: 1 -> 2"));
    EXPECT_THAT(
        changes("nice: 1\n    umask: 077", "description: a"),
        ElementsAre("description: null -> a", "umask: \"0077\" -> null", "nice: 1 -> null"));
    EXPECT_THAT(changes("environment: {PASSWORD: '1'}", "environment: {PASSWORD: '2'}"),
                ElementsAre("environment.PASSWORD: \"1\" -> \"2\""));
}

TEST(KeyChanges, NameTheKeysWithinMaps) {
    EXPECT_THAT(changes("stop: {timeout: 5s}", "stop: {timeout: 6s, scope: tree}"),
                ElementsAre("stop.timeout: 5s -> 6s", "stop.scope: null -> tree"));
    EXPECT_THAT(changes("", "backoff: {max: 5s}"), ElementsAre("backoff.max: null -> 5s"));
    EXPECT_THAT(changes("limits: {core: 0, cpu: 5}", "limits: {cpu: 5}"),
                ElementsAre("limits.core: 0 -> null"));
    EXPECT_THAT(
        changes("restart_limit: {count: 5, within: 1m}", "restart_limit: {count: 6, within: 1m}"),
        ElementsAre("restart_limit.count: 5 -> 6"));
    EXPECT_THAT(changes("log: {max_files: 1}", "log: {max_files: 2}"),
                ElementsAre("log.max_files: 1 -> 2"));
}

TEST(KeyChanges, GiveWholeWhatComesOrGoesAsAWhole) {
    EXPECT_THAT(changes("", "reload: {}"), ElementsAre("reload: null -> {}"));
    EXPECT_THAT(changes("reload: {signal: USR1}", ""),
                ElementsAre("reload: {signal: USR1} -> null"));
    EXPECT_THAT(changes("ready: notify", "ready: {tcp: 'db:1'}"),
                ElementsAre("ready: notify -> {tcp: \"db:1\"}"));
    EXPECT_THAT(changes("log: console", "log: {max_files: 2}"),
                ElementsAre("log: console -> {max_files: 2}"));
}

TEST(KeyChanges, NameUsersAndGroupsAsTheFilesDo) {
    EXPECT_THAT(changes("group: root", "group: 1"), ElementsAre("group: root -> 1"));
    EXPECT_THAT(changes("group: root", "group: 0"), IsEmpty());
    EXPECT_THAT(changes("", "group: root"), ElementsAre("group: null -> root"));
}

TEST(KeyChanges, ShowWhatNoFileSaysAsItWasFound) {
    Service old = service_in(web("user: root"));
    Service now = old;
    old.execution.credentials->gid = 33;
    EXPECT_EQ(key_changes(old, now), (std::vector<KeyChange>{{"group", {33}, {0}}}));
    now = old;
    now.execution.credentials->home = "/elsewhere";
    EXPECT_EQ(key_changes(old, now).at(0).to,
              Literal{"0 root /elsewhere " + now.execution.credentials->shell});
    EXPECT_THAT(changes("", "type: oneshot"),
                ElementsAre("type: null -> oneshot", "restart: always -> never"));
}

TEST(KeyChanges, OfTheSupervisorAreTheSame) {
    const auto supervisor = [](const std::string& keys) {
        return load_yaml("supervisor: {" + keys + "}\n" + web("")).plan->supervisor;
    };
    const auto list = [](const char* group) {
        return Literal{Literal::List{{std::string(group)}}};
    };
    EXPECT_EQ(key_changes(supervisor("shutdown_timeout: 5s, access: {operate: [root]}"),
                          supervisor("socket: {mode: 0660, path: /p}, access: {read: [root]}")),
              (std::vector<KeyChange>{{"socket.path", {}, {"/p"}},
                                      {"socket.mode", {}, {"0660"}},
                                      {"access.operate", list("root"), {}},
                                      {"access.read", {}, list("root")},
                                      {"shutdown_timeout", {"5s"}, {}}}));
}

TEST(Diff, FindsOneAmongThousands) {
    std::string text = "services:\n";
    for (int i = 0; i < 10'000; ++i) text += "  s" + std::to_string(i) + ": {command: x}\n";
    const LoadResult old = load_yaml(text);
    const PlanPtr now = with_enabled(*old.plan, {{"s5", false}});
    PlanDiff d = diff(*old.plan, *now);
    std::erase_if(d.services, [](const ServiceChange& c) { return c.change == Change::Unchanged; });
    EXPECT_THAT(d.services, ElementsAre(ServiceChange{"s5", Change::Live, {"enabled"}}));
}

}  // namespace
}  // namespace reeve::config
