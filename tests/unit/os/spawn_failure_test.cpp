#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <variant>
#include <vector>

#include "tests/unit/os/probe.h"
#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

bool has_children() {
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

TEST(Spawn, ReportsAMissingProgramWithItsPath) {
    Spawner spawner = make_spawner();
    SpawnSpec spec;
    spec.argv = {"/no/such/program"};
    const auto result = spawner.spawn(spec);
    const SpawnFailure& failure = std::get<SpawnFailure>(result);
    EXPECT_STREQ(failure.step, "exec");
    EXPECT_EQ(failure.object, "/no/such/program");
    EXPECT_EQ(failure.errnum, ENOENT);
    EXPECT_EQ(failure.text(), "exec /no/such/program: No such file or directory");
}

TEST(Spawn, ReportsWhatCannotBeExecuted) {
    TempDir dir;
    write_file(dir / "plain", "hello");
    write_file(dir / "script", "echo no interpreter is named\n", 0755);
    Spawner spawner = make_spawner();
    SpawnSpec spec;
    spec.argv = {dir / "plain"};
    EXPECT_EQ(failure_of(spawner, spec), "exec " + (dir / "plain") + ": Permission denied");
    spec.argv = {dir / "script"};
    EXPECT_EQ(failure_of(spawner, spec), "exec " + (dir / "script") + ": Exec format error");
    spec.argv = {"/"};
    EXPECT_EQ(failure_of(spawner, spec), "exec /: Permission denied");
    spec.argv = {""};
    EXPECT_EQ(failure_of(spawner, spec), "exec: No such file or directory");
    spec.argv = {};
    EXPECT_EQ(failure_of(spawner, spec), "exec: Invalid argument");
}

TEST(Spawn, ReportsAMissingFolder) {
    Spawner spawner = make_spawner();
    SpawnSpec spec = probe();
    spec.working_dir = "/srv/no/such/folder";
    EXPECT_EQ(failure_of(spawner, spec), "chdir /srv/no/such/folder: No such file or directory");
}

TEST(Spawn, ReportsADescriptorThatIsNotOpen) {
    Spawner spawner = make_spawner();
    SpawnSpec spec = probe();
    spec.stderr_fd = 9999;
    EXPECT_EQ(failure_of(spawner, spec), "dup descriptor 2: Bad file descriptor");
    spec.stderr_fd = 2;
    for (int target = 3; target < 12; ++target) spec.extra_fds.emplace_back(9000 + target, target);
    EXPECT_EQ(failure_of(spawner, spec), "dup descriptor 3: Bad file descriptor");
}

TEST(Spawn, ReportsALimitThatIsNotAllowed) {
    Spawner spawner = make_spawner();
    SpawnSpec spec = probe();
    spec.limits = {{RLIMIT_CORE, {0, 0}}, {RLIMIT_NOFILE, {20, 10}}};
    EXPECT_EQ(failure_of(spawner, spec), "setrlimit nofile: Invalid argument");
}

TEST(Spawn, WithoutRightsReportsIdentityAndNiceAndKeepsItsOwnIdentity) {
    EXPECT_TRUE(holds_in_child([] {
        if (geteuid() == 0) {
            const gid_t group = 65534;
            if (setgroups(1, &group) != 0 || setresgid(65534, 65534, 65534) != 0 ||
                setresuid(65534, 65534, 65534) != 0) {
                return false;
            }
        }
        Spawner spawner = make_spawner();
        SpawnSpec spec;
        spec.argv = {"/bin/true"};
        spec.identity = Identity{getuid() + 1, getgid(), {}};
        EXPECT_EQ(failure_of(spawner, spec), "setgroups: Operation not permitted");
        spec.identity->uid = getuid();
        if (geteuid() == 65534) {
            EXPECT_EQ(failure_of(spawner, spec), "spawned");
        }
        spec.identity.reset();
        spec.nice = -5;
        EXPECT_EQ(failure_of(spawner, spec), "setpriority -5: Permission denied");
        return true;
    }));
}

TEST(Spawn, LeavesNoZombieOfAChildThatFailed) {
    EXPECT_TRUE(holds_in_child([] {
        Spawner spawner = make_spawner();
        SpawnSpec spec;
        spec.argv = {"/no/such/program"};
        for (int i = 0; i < 50; ++i) failure_of(spawner, spec);
        return !has_children();
    }));
}

TEST(Spawn, SurvivesTheWantOfProcesses) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root to count a user's processes";
    EXPECT_TRUE(holds_in_child([] {
        const rlimit none{0, 0};
        setrlimit(RLIMIT_NPROC, &none);
        Spawner spawner = make_spawner();
        if (setresuid(54321, 54321, 54321) != 0) return false;
        SpawnSpec spec;
        spec.argv = {"/bin/true"};
        EXPECT_EQ(failure_of(spawner, spec), "clone: Resource temporarily unavailable");
        return true;
    }));
}

TEST(Spawn, SurvivesTheWantOfDescriptors) {
    EXPECT_TRUE(holds_in_child([] {
        Spawner spawner = make_spawner();
        std::vector<Fd> all;
        const rlimit few{64, 64};
        setrlimit(RLIMIT_NOFILE, &few);
        do {
            all.emplace_back(dup(0));
        } while (all.back());
        EXPECT_EQ(failure_of(spawner, probe({"exit", "0"})), "clone: Too many open files");
        all.resize(all.size() - 2);
        EXPECT_EQ(failure_of(spawner, probe({"exit", "0"})), "spawned");
        return true;
    }));
}

}  // namespace
}  // namespace reeve::os
