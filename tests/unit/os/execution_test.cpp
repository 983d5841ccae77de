#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <sstream>

#include "supervisor/os/capabilities.h"
#include "supervisor/os/spawn.h"
#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

constexpr uid_t kNobody = 65534;

/// What a command that was spawned and has ended wrote to stdout; the failure's text if it was not.
std::string said(SpawnSpec spec, std::vector<std::string> argv) {
    Spawner spawner = make_spawner();
    Pipe pipe = Pipe::make();
    spec.argv = std::move(argv);
    spec.stdout_fd = pipe.write.get();
    auto result = spawner.spawn(spec);
    pipe.write.reset();
    if (const auto* failure = std::get_if<SpawnFailure>(&result)) return failure->text();
    std::string text = read_to_end(pipe.read);
    waitpid(std::get<Spawned>(result).pid, nullptr, 0);
    return text;
}

/// The value of a line of /proc/self/status as the child has it.
std::string status_of(const SpawnSpec& spec, const std::string& key) {
    const std::string text = said(spec, {"/bin/cat", "/proc/self/status"});
    const std::size_t line = text.find("\n" + key + ":");
    if (line == std::string::npos) return "none in: " + text;
    const std::size_t value = text.find_first_not_of(" \t", line + key.size() + 2);
    return text.substr(value, text.find('\n', value) - value);
}

std::string mask_of(std::vector<int> capabilities) {
    std::uint64_t mask = 0;
    for (const int capability : capabilities) mask |= std::uint64_t{1} << capability;
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(mask));
    return text;
}

bool can(const std::vector<int>& capabilities) { return can_give(capabilities).has_value(); }

TEST(Execution, SetsTheScoreByWhichTheKernelChoosesWhomToKill) {
    SpawnSpec spec;
    spec.oom_score_adj = 500;
    EXPECT_EQ(said(spec, {"/bin/cat", "/proc/self/oom_score_adj"}), "500\n");
    EXPECT_EQ(said({}, {"/bin/cat", "/proc/self/oom_score_adj"}),
              said({}, {"/bin/cat", "/proc/" + std::to_string(getpid()) + "/oom_score_adj"}))
        << "the parent's own has changed";
}

TEST(Execution, SetsTheScoreEvenWhenTheLimitsLeaveNoDescriptor) {
    SpawnSpec spec;
    spec.oom_score_adj = 400;
    spec.limits = {{RLIMIT_NOFILE, {3, 1024}}};
    EXPECT_EQ(said(spec, {"/bin/true"}), "");
}

TEST(Execution, ConfinesAChildToItsCpus) {
    cpu_set_t own;
    ASSERT_EQ(sched_getaffinity(0, sizeof own, &own), 0);
    int last = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &own)) last = cpu;
    }
    SpawnSpec spec;
    spec.cpu_affinity = {last};
    EXPECT_EQ(status_of(spec, "Cpus_allowed_list"), std::to_string(last));
    spec.cpu_affinity = {1023};
    const std::string cause = said(spec, {"/bin/true"});
    EXPECT_EQ(cause.rfind("sched_setaffinity to CPU 1023 (there ", 0), 0u) << cause;
}

TEST(Execution, SetsTheSchedulingPolicy) {
    SpawnSpec spec;
    spec.scheduling = Scheduling{SCHED_BATCH, 0};
    std::istringstream stat(said(spec, {"/bin/cat", "/proc/self/stat"}));
    std::string policy;
    for (int field = 0; field < 41; ++field) stat >> policy;
    EXPECT_EQ(policy, std::to_string(SCHED_BATCH));
    spec.scheduling = Scheduling{SCHED_BATCH, 1};
    EXPECT_EQ(said(spec, {"/bin/true"}), "sched_setscheduler: Invalid argument");
}

TEST(Execution, SetsThePriorityOfInputAndOutput) {
    SpawnSpec spec;
    spec.io_priority = IoPriority{3, 0};
    EXPECT_EQ(said(spec, {"/usr/bin/ionice"}), "idle\n");
    spec.io_priority = IoPriority{2, 6};
    EXPECT_EQ(said(spec, {"/usr/bin/ionice"}), "best-effort: prio 6\n");
    spec.io_priority = IoPriority{7, 0};
    EXPECT_EQ(said(spec, {"/bin/true"}), "ioprio_set: Invalid argument");
}

TEST(Execution, TakesTheWayToNewPrivilegesAway) {
    SpawnSpec spec;
    EXPECT_EQ(status_of(spec, "NoNewPrivs"), "0");
    spec.no_new_privileges = true;
    EXPECT_EQ(status_of(spec, "NoNewPrivs"), "1");
}

TEST(Execution, GivesRootExactlyTheCapabilitiesOfTheList) {
    const std::vector<int> list = {CAP_KILL, CAP_NET_BIND_SERVICE};
    if (geteuid() != 0 || !can(list)) GTEST_SKIP() << "needs root and its capabilities";
    SpawnSpec spec;
    spec.capabilities = list;
    for (const char* set : {"CapPrm", "CapEff", "CapBnd", "CapInh"}) {
        EXPECT_EQ(status_of(spec, set), mask_of(list)) << set;
    }
}

TEST(Execution, GivesAnotherUserExactlyTheCapabilitiesOfTheList) {
    const std::vector<int> list = {CAP_KILL, CAP_NET_BIND_SERVICE};
    if (geteuid() != 0 || !can(list)) GTEST_SKIP() << "needs root and its capabilities";
    SpawnSpec spec;
    spec.capabilities = list;
    spec.identity = Identity{kNobody, kNobody, {}};
    for (const bool no_new_privileges : {false, true}) {
        spec.no_new_privileges = no_new_privileges;
        for (const char* set : {"CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
            EXPECT_EQ(status_of(spec, set), mask_of(list)) << set;
        }
        EXPECT_EQ(status_of(spec, "Uid"), "65534\t65534\t65534\t65534");
    }
}

TEST(Execution, AnEmptyListOfCapabilitiesLeavesNone) {
    if (geteuid() != 0 || !can({})) GTEST_SKIP() << "needs root and its capabilities";
    SpawnSpec spec;
    spec.capabilities.emplace();
    for (const char* set : {"CapPrm", "CapEff", "CapBnd", "CapAmb", "CapInh"}) {
        EXPECT_EQ(status_of(spec, set), mask_of({})) << set;
    }
}

TEST(Execution, LeavesTheParentsOwnCapabilitiesAlone) {
    if (geteuid() != 0 || !can({})) GTEST_SKIP() << "needs root and its capabilities";
    const std::string before = status_of({}, "CapPrm") + status_of({}, "CapBnd");
    SpawnSpec spec;
    spec.capabilities.emplace();
    spec.identity = Identity{kNobody, kNobody, {}};
    EXPECT_EQ(status_of(spec, "CapPrm"), mask_of({}));
    EXPECT_EQ(status_of({}, "CapPrm") + status_of({}, "CapBnd"), before);
    EXPECT_EQ(prctl(PR_GET_KEEPCAPS), 0);
}

TEST(Capabilities, WhatTheProcessDoesNotHoldItCannotGive) {
    if (geteuid() != 0 || !can({CAP_NET_ADMIN, CAP_KILL})) GTEST_SKIP() << "needs root";
    EXPECT_TRUE(holds_in_child([] {
        prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN);
        const auto given = can_give({CAP_KILL, CAP_NET_ADMIN});
        EXPECT_FALSE(given);
        EXPECT_EQ(given.error().text(), "capabilities: NET_ADMIN: the supervisor does not hold it");
        return !given && can({CAP_KILL});
    }));
}

TEST(Capabilities, WithoutTheRightToCutOffOthersNoneCanBeGiven) {
    EXPECT_TRUE(holds_in_child([] {
        if (geteuid() == 0 && setresuid(kNobody, kNobody, kNobody) != 0) return false;
        const auto given = can_give({});
        EXPECT_FALSE(given);
        EXPECT_EQ(given.error().text(),
                  "capabilities: SETPCAP: the supervisor does not hold it, which it takes to cut "
                  "off the others; run it as root, or set no_new_privileges: true");
        EXPECT_TRUE(can_give({}, true));
        return true;
    }));
}

TEST(Execution, EntersARootFromWhichProgramAndFolderAreSeen) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    const TempDir dir;
    for (const char* folder : {"bin", "lib", "lib64", "usr", "work"}) {
        std::filesystem::create_directory(dir / folder);
    }
    write_file(dir / "work/here", "");
    // A program that needs no library would be one more thing to build: the host's are lent.
    const std::string script = "mount --bind /usr " + (dir / "usr") + " && mount --bind /bin " +
                               (dir / "bin") + " && mount --bind /lib " + (dir / "lib") +
                               " && mount --bind /lib64 " + (dir / "lib64");
    EXPECT_TRUE(holds_in_child([&] {
        if (unshare(CLONE_NEWNS) != 0 ||
            std::system(("mount --make-rprivate / && " + script).c_str())) {
            return true;  // not allowed here
        }
        SpawnSpec spec;
        spec.root_dir = dir.path();
        spec.working_dir = "/work";
        spec.identity = Identity{kNobody, kNobody, {}};
        std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
        EXPECT_EQ(said(spec, {"ls"}), "here\n");
        EXPECT_EQ(said(spec, {"/bin/ls", "/"}), "bin\nlib\nlib64\nusr\nwork\n");
        return true;
    }));
    SpawnSpec spec;
    spec.root_dir = dir / "missing";
    EXPECT_EQ(said(spec, {"ls"}), "chroot " + (dir / "missing") + ": No such file or directory");
}

TEST(Execution, WithoutRightsSaysWhichStepFailed) {
    EXPECT_TRUE(holds_in_child([] {
        if (geteuid() == 0 && setresuid(kNobody, kNobody, kNobody) != 0) return false;
        SpawnSpec spec;
        spec.root_dir = "/";
        EXPECT_EQ(said(spec, {"/bin/true"}), "chroot /: Operation not permitted");
        spec.root_dir.clear();
        spec.scheduling = Scheduling{SCHED_FIFO, 50};
        EXPECT_EQ(said(spec, {"/bin/true"}), "sched_setscheduler: Operation not permitted");
        spec.scheduling.reset();
        spec.oom_score_adj = -1000;
        EXPECT_EQ(said(spec, {"/bin/true"}), "oom_score_adj -1000: Permission denied");
        return true;
    }));
}

}  // namespace
}  // namespace reeve::os
