#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>

#include "config/execution_values.h"
#include "tests/unit/config/support.h"

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

Execution execution(std::string_view keys) { return service_in(web(keys)).execution; }

/// Expects that these keys of a service are refused in one line that contains `part`.
void expect_refused(const std::string& keys, const std::string& part) {
    EXPECT_THAT(problems_in(web(keys)), ElementsAre(HasSubstr(part))) << keys;
}

TEST(ExecutionKeys, LeaveAlmostEverythingAsItIs) {
    const Execution e = execution("");
    EXPECT_FALSE(e.oom_score_adj);
    EXPECT_THAT(e.cpu_affinity, IsEmpty());
    EXPECT_FALSE(e.scheduling);
    EXPECT_FALSE(e.io_priority);
    EXPECT_FALSE(e.no_new_privileges);
    EXPECT_FALSE(e.capabilities);
    EXPECT_EQ(e.chroot, "");
    EXPECT_EQ(e.directories, Directories{});
}

TEST(ExecutionKeys, TakeSimpleValues) {
    const Execution e =
        execution("oom_score_adj: -1000\n    no_new_privileges: true\n    chroot: /c");
    EXPECT_EQ(e.oom_score_adj, -1000);
    EXPECT_TRUE(e.no_new_privileges);
    EXPECT_EQ(e.chroot, "/c");
    expect_refused("oom_score_adj: 1001", "services.web.oom_score_adj");
    expect_refused("chroot: c", "services.web.chroot: \"c\" is not an absolute path");
}

TEST(CpuAffinity, IsAListOrWhatTasksetTakes) {
    EXPECT_THAT(execution("cpu_affinity: [3, 0, 3]").cpu_affinity, ElementsAre(0, 3));
    EXPECT_THAT(execution("cpu_affinity: [5, 0-2]").cpu_affinity, ElementsAre(0, 1, 2, 5));
    EXPECT_THAT(execution("cpu_affinity: 0-6:3,1").cpu_affinity, ElementsAre(0, 1, 3, 6));
    EXPECT_THAT(execution("cpu_affinity: 2").cpu_affinity, ElementsAre(2));
    EXPECT_THAT(execution("cpu_affinity: 1023").cpu_affinity, ElementsAre(1023));
    EXPECT_THAT(execution("cpu_affinity: []").cpu_affinity, IsEmpty());
    for (const char* value : {"-1", "1024", "3-1", "0-", "''", "1:2", "0-3:0", "a", "[0, x]", "0x3",
                              "'1,,2'", "'1,'", "0-2-4", "0:1-2"}) {
        expect_refused("cpu_affinity: " + std::string(value), "services.web.cpu_affinity");
    }
}

TEST(SchedulingKey, IsAWordOrAPolicyWithItsPriority) {
    EXPECT_THAT(execution("scheduling: other").scheduling, Optional(Scheduling{SCHED_OTHER, 0}));
    EXPECT_THAT(execution("scheduling: batch").scheduling, Optional(Scheduling{SCHED_BATCH, 0}));
    EXPECT_THAT(execution("scheduling: {policy: idle}").scheduling,
                Optional(Scheduling{SCHED_IDLE, 0}));
    EXPECT_THAT(execution("scheduling: {policy: fifo, priority: 99}").scheduling,
                Optional(Scheduling{SCHED_FIFO, 99}));
    EXPECT_THAT(execution("scheduling: {policy: rr, priority: 1}").scheduling,
                Optional(Scheduling{SCHED_RR, 1}));
}

TEST(SchedulingKey, WantsAPriorityWhereThereIsOneAndOnlyThere) {
    expect_refused("scheduling: fifo",
                   "scheduling: \"fifo\" has no priority; write such as {policy:");
    expect_refused("scheduling: {policy: rr}", "scheduling: \"rr\" has no priority");
    expect_refused("scheduling: {policy: batch, priority: 5}",
                   "scheduling.priority: \"batch\" knows no");
    expect_refused("scheduling: {policy: rr, priority: 0}", "scheduling.priority");
    expect_refused("scheduling: {policy: rr, priority: 100}", "scheduling.priority");
    expect_refused("scheduling: {priority: 5}", "scheduling: has no policy");
    expect_refused("scheduling: deadline", "\"deadline\" is not known here");
    expect_refused("scheduling: [rr]", "services.web.scheduling: is a list");
}

TEST(IoPriorityKey, IsAClassOrOneWithItsLevel) {
    EXPECT_THAT(execution("io_priority: realtime").io_priority, Optional(IoPriority{1, 4}));
    EXPECT_THAT(execution("io_priority: best-effort").io_priority, Optional(IoPriority{2, 4}));
    EXPECT_THAT(execution("io_priority: idle").io_priority, Optional(IoPriority{3, 0}));
    EXPECT_THAT(execution("io_priority: {class: best-effort, level: 7}").io_priority,
                Optional(IoPriority{2, 7}));
    expect_refused("io_priority: {class: idle, level: 1}",
                   "io_priority.level: \"idle\" knows no levels");
    expect_refused("io_priority: {level: 1}", "io_priority: has no class");
    expect_refused("io_priority: {class: realtime, level: 8}", "io_priority.level");
    expect_refused("io_priority: none", "\"none\" is not known here");
}

TEST(CapabilitiesKey, TakesNamesHoweverTheyAreWritten) {
    EXPECT_THAT(execution("capabilities: [CAP_NET_BIND_SERVICE, chown, Cap_Net_Raw]").capabilities,
                Optional(ElementsAre(CAP_CHOWN, CAP_NET_BIND_SERVICE, CAP_NET_RAW)));
    EXPECT_THAT(execution("capabilities: []").capabilities, Optional(IsEmpty()));
    for (int number = 0; number <= CAP_LAST_CAP; ++number) {
        EXPECT_EQ(parse_capability(capability_name(number)).value(), number);
    }
}

TEST(CapabilitiesKey, KnowsWhichOneIsMeant) {
    expect_refused("capabilities: [CAP_NET_BIND]",
                   "capabilities[0]: \"CAP_NET_BIND\" is not a capability; did you mean "
                   "CAP_NET_BIND_SERVICE?");
    expect_refused("capabilities: [sys_amdin]", "did you mean CAP_SYS_ADMIN?");
    expect_refused("capabilities: [everything]", "capabilities(7) has their names");
    expect_refused("capabilities: ['']", "capabilities(7) has their names");
    expect_refused("capabilities: all", "capabilities: is a string");
}

TEST(DirectoriesKey, TakesNamesBelowTheFolders) {
    const Directories d =
        execution("directories: {runtime: [b, a/c], state: [a], log: [a], mode: \"0750\"}")
            .directories;
    EXPECT_THAT(d.runtime, ElementsAre("a/c", "b"));
    EXPECT_THAT(d.state, ElementsAre("a"));
    EXPECT_THAT(d.log, ElementsAre("a"));
    EXPECT_EQ(d.mode, 0750u);
}

TEST(DirectoriesKey, RefusesWhatLeadsElsewhere) {
    for (const char* name : {"/run/a", "..", "a/../b", "../a", ".", "./a", "a/", "a//b", "''"}) {
        expect_refused("directories: {state: [" + std::string(name) + "]}",
                       "services.web.directories.state[0]");
    }
    EXPECT_THAT(execution("directories: {state: [..a, a..b]}").directories.state,
                ElementsAre("..a", "a..b"));
}

}  // namespace
}  // namespace reeve::config
