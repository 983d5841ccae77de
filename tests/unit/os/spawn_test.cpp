#include "supervisor/os/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/unit/os/probe.h"
#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

TEST(Spawn, GivesArgumentsAndExactlyTheEnvironmentOfTheSpec) {
    Spawner spawner = make_spawner();
    SpawnSpec spec = probe({"report", "a b", ""});
    spec.env = {"NAME=value", "EMPTY="};
    const Report report = report_of(spawner, spec);
    EXPECT_EQ(report["arg 2"], "a b");
    EXPECT_EQ(report["arg 3"], "");
    EXPECT_EQ(report.all("env"), (std::vector<std::string>{"NAME=value", "EMPTY="}));
}

TEST(Spawn, TellsTheChildItsOwnPidInItsEnvironment) {
    Spawner spawner = make_spawner();
    SpawnSpec spec = probe();
    spec.env = {"A=1"};
    spec.pid_variables = {"WATCHDOG_PID", "LISTEN_PID"};
    const Report report = report_of(spawner, spec);
    EXPECT_EQ(report.all("env"), (std::vector<std::string>{"A=1", "WATCHDOG_PID=" + report["pid"],
                                                           "LISTEN_PID=" + report["pid"]}));
}

TEST(Spawn, ReturnsThePidAndAPidfdOfTheChild) {
    Spawner spawner = make_spawner();
    Pipe input = Pipe::make(), output = Pipe::make();
    SpawnSpec spec = probe({"wait"});
    spec.stdin_fd = input.read.get();
    spec.stdout_fd = output.write.get();
    Running child(spawner, spec);
    EXPECT_EQ(read_pid(output.read), child.pid());
    EXPECT_NE(fcntl(child.pidfd(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(syscall(SYS_pidfd_send_signal, child.pidfd(), SIGKILL, nullptr, 0), 0);
    siginfo_t info;
    ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
    EXPECT_EQ(info.si_status, SIGKILL);
}

TEST(Spawn, GivesAnEmptyMaskAndDefaultDispositionsWhateverTheParentHas) {
    EXPECT_TRUE(holds_in_child([] {
        for (const int signal : {SIGHUP, SIGINT, SIGPIPE, SIGCHLD, SIGCONT, SIGRTMIN, SIGRTMAX}) {
            ::signal(signal, SIG_IGN);
        }
        ::signal(SIGUSR1, [](int) {});
        // The two that libc keeps for itself, which its own functions would not touch.
        const std::uint64_t ignore[4] = {1, 0, 0, 0};
        syscall(SYS_rt_sigaction, 32, ignore, nullptr, 8);
        syscall(SYS_rt_sigaction, 33, ignore, nullptr, 8);
        const std::uint64_t all = ~std::uint64_t{0};
        syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, nullptr, 8);
        // SIGCHLD is ignored, so the children go away by themselves.
        Spawner spawner = make_spawner();
        const Report report = report_of(spawner, probe());
        EXPECT_EQ(report["blocked"], "0000000000000000");
        EXPECT_EQ(report["ignored"], "0000000000000000");
        EXPECT_EQ(report["caught"], "0000000000000000");
        return true;
    }));
}

TEST(Spawn, LeavesTheParentsOwnMaskAndDispositionsAlone) {
    EXPECT_TRUE(holds_in_child([] {
        ::signal(SIGHUP, SIG_IGN);
        sigset_t mask, after;
        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigprocmask(SIG_SETMASK, &mask, nullptr);
        Spawner spawner = make_spawner();
        EXPECT_EQ(failure_of(spawner, probe({"exit", "0"})), "spawned");
        sigprocmask(SIG_SETMASK, nullptr, &after);
        EXPECT_EQ(sigismember(&after, SIGTERM), 1);
        EXPECT_EQ(sigismember(&after, SIGINT), 0);
        EXPECT_EQ(::signal(SIGHUP, SIG_DFL), SIG_IGN);
        return true;
    }));
}

/// Sends SIGUSR1 to our process group, over and over, as long as it lives.
class SignalStorm {
  public:
    SignalStorm() : pid_(fork()) {
        if (pid_ != 0) return;
        ::signal(SIGUSR1, SIG_IGN);
        while (kill(0, SIGUSR1) == 0) {
        }
        _exit(1);
    }
    ~SignalStorm() {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    SignalStorm(const SignalStorm&) = delete;
    SignalStorm& operator=(const SignalStorm&) = delete;

  private:
    pid_t pid_;
};

TEST(Spawn, AParentsHandlerNeverRunsInTheChild) {
    // The child shares our memory until it executes: a handler that ran there would count here.
    static volatile int strays = 0;
    static pid_t parent = 0;
    EXPECT_TRUE(holds_in_child([] {
        setpgid(0, 0);
        parent = getpid();
        ::signal(SIGUSR1, [](int) {
            if (syscall(SYS_getpid) != parent) strays = strays + 1;
        });
        Spawner spawner = make_spawner();
        SpawnSpec spec = probe({"exit", "0"});
        spec.new_session = false;
        const SignalStorm storm;
        for (int i = 0; i < 100; ++i) failure_of(spawner, spec);
        return strays == 0;
    }));
}

TEST(Spawn, MakesASessionAndProcessGroupOfItsOwnUnlessToldNotTo) {
    Spawner spawner = make_spawner();
    const Report own = report_of(spawner, probe());
    EXPECT_EQ(own["sid"], own["pid"]);
    EXPECT_EQ(own["pgid"], own["pid"]);
    SpawnSpec spec = probe();
    spec.new_session = false;
    const Report shared = report_of(spawner, spec);
    EXPECT_EQ(shared["sid"], std::to_string(getsid(0)));
    EXPECT_EQ(shared["pgid"], std::to_string(getpgid(0)));
}

TEST(Spawn, SetsFolderUmaskNiceAndLimits) {
    Spawner spawner = make_spawner();
    TempDir dir;
    SpawnSpec spec = probe();
    spec.working_dir = dir.path();
    spec.umask = 027;
    spec.nice = 5;
    spec.limits = {{RLIMIT_CORE, {0, 4096}}, {RLIMIT_NOFILE, {20, 30}}};
    const Report report = report_of(spawner, spec);
    EXPECT_EQ(report["cwd"], dir.path());
    EXPECT_EQ(report["umask"], "027");
    EXPECT_EQ(report["nice"], "5");
    EXPECT_EQ(report["core"], "0 4096");
    EXPECT_EQ(report["nofile"], "20 30");
}

TEST(Spawn, GivesTheSpawnersLimitsUnlessTheSpecSaysOtherwise) {
    Spawner spawner = make_spawner({{RLIMIT_NOFILE, {200, 300}}, {RLIMIT_CORE, {0, 0}}});
    SpawnSpec spec = probe();
    EXPECT_EQ(report_of(spawner, spec)["nofile"], "200 300");
    spec.limits = {{RLIMIT_NOFILE, {100, 100}}};
    const Report own = report_of(spawner, spec);
    EXPECT_EQ(own["nofile"], "100 100");
    EXPECT_EQ(own["core"], "0 0");
}

TEST(Spawn, FindsTheProgramInThePathOfTheSpec) {
    TempDir dir;
    ASSERT_EQ(mkdir((dir / "a").c_str(), 0755), 0);
    ASSERT_EQ(mkdir((dir / "b").c_str(), 0755), 0);
    std::filesystem::create_symlink(kProbe, dir / "b/found");
    Spawner spawner = make_spawner();
    SpawnSpec spec = probe();
    spec.argv[0] = "found";
    spec.path_search = "/no/such/folder:" + (dir / "a") + ":" + (dir / "b");
    EXPECT_EQ(report_of(spawner, spec)["arg 0"], "found");
    // One that may not be executed is passed over, as execvp(3) does.
    write_file(dir / "a/found", "");
    EXPECT_EQ(report_of(spawner, spec)["arg 0"], "found");
    std::filesystem::remove(dir / "b/found");
    EXPECT_EQ(failure_of(spawner, spec), "exec " + (dir / "a/found") + ": Permission denied");
    std::filesystem::remove(dir / "a/found");
    EXPECT_EQ(failure_of(spawner, spec), "exec found: No such file or directory");
}

TEST(Spawn, LooksForProgramsInTheUsualPlacesWithoutAPath) {
    Spawner spawner = make_spawner();
    SpawnSpec spec;
    spec.argv = {"true"};
    EXPECT_EQ(failure_of(spawner, spec), "spawned");
}

TEST(Spawn, ARelativeProgramStartsFromTheWorkingFolder) {
    TempDir dir;
    std::filesystem::create_symlink(kProbe, dir / "here");
    Spawner spawner = make_spawner();
    SpawnSpec spec = probe();
    spec.working_dir = dir.path();
    spec.argv[0] = "./here";
    EXPECT_EQ(report_of(spawner, spec)["arg 0"], "./here");
}

TEST(Spawn, TakesOnAnotherIdentityForGood) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    Spawner spawner = make_spawner();
    SpawnSpec spec;
    // The probe may lie where others may not go.
    spec.argv = {"/bin/grep", "-E", "^(Uid|Gid|Groups|CapEff):", "/proc/self/status"};
    spec.identity = Identity{65534, 65533, {65533, 1000}};
    // What needs rights comes before they are given up, where we have them ourselves.
    const auto may_hurry = [] { return setpriority(PRIO_PROCESS, 0, -3) == 0; };
    if (holds_in_child(may_hurry)) spec.nice = -3;
    EXPECT_EQ(output_of(spawner, spec),
              "Uid:\t65534\t65534\t65534\t65534\n"
              "Gid:\t65533\t65533\t65533\t65533\n"
              "Groups:\t1000 65533 \n"
              "CapEff:\t0000000000000000\n");
}

}  // namespace
}  // namespace reeve::os
