#include "config/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
    for (const char* keys : {"user: root", "working_dir: /srv", "environment: {A: b}",
                             "environment_files: [/a]", "inherit_environment: false", "umask: 077",
                             "nice: 1", "limits: {core: 0}", "stdin: /dev/zero", "type: oneshot"}) {
        EXPECT_EQ(change("description: x", std::string("description: x\n    ") + keys).change,
                  Change::Restart)
            << keys;
    }
}

TEST(Diff, AppliesPolicyLive) {
    for (const char* keys :
         {"description: y", "enabled: false", "groups: [g]", "wants: [q]", "after: [q]",
          "before: [q]", "ready: notify", "start_timeout: 5s", "restart: never",
          "backoff: {max: 5s}", "restart_limit: {count: 1, within: 5s}", "success_exit: [1]",
          "restart_prevent_exit: [1]", "on_exit: shutdown", "on_failure: shutdown",
          "stop: {timeout: 5s}", "reload: {}", "log: {max_files: 2}", "log: console"}) {
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

}  // namespace
}  // namespace reeve::config
