#include "supervisor/os/spawn.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

/// What a probe child says of itself; keys as in "cwd", "fd 0", "env HOME".
class Report {
  public:
    explicit Report(const std::string& text) {
        std::size_t start = 0;
        while (start < text.size()) {
            const std::size_t end = std::min(text.find('\n', start), text.size());
            lines_.push_back(text.substr(start, end - start));
            start = end + 1;
        }
    }
    /// The rest of the line that begins with these words; "none" if there is none.
    std::string operator[](const std::string& key) const {
        for (const std::string& line : lines_) {
            if (line.starts_with(key + " ")) return line.substr(key.size() + 1);
        }
        return "none";
    }
    std::vector<std::string> all(const std::string& key) const {
        std::vector<std::string> found;
        for (const std::string& line : lines_) {
            if (line.starts_with(key + " ")) found.push_back(line.substr(key.size() + 1));
        }
        return found;
    }
    std::vector<int> descriptors() const {
        std::vector<int> fds;
        for (const std::string& fd : all("fd")) fds.push_back(std::atoi(fd.c_str()));
        return fds;
    }

  private:
    std::vector<std::string> lines_;
};

SpawnSpec probe(std::vector<std::string> words = {"report"}) {
    SpawnSpec spec;
    spec.argv = {kProbe};
    spec.argv.insert(spec.argv.end(), words.begin(), words.end());
    return spec;
}

/// What a child that was spawned and has ended wrote to stdout.
std::string output_of(Spawner& spawner, SpawnSpec spec) {
    Pipe pipe = Pipe::make();
    spec.stdout_fd = pipe.write.get();
    auto result = spawner.spawn(spec);
    pipe.write.reset();
    if (const auto* failure = std::get_if<SpawnFailure>(&result)) {
        ADD_FAILURE() << failure->text();
        return "";
    }
    std::string text = read_to_end(pipe.read);
    waitpid(std::get<Spawned>(result).pid, nullptr, 0);
    return text;
}

Report report_of(Spawner& spawner, const SpawnSpec& spec) {
    return Report(output_of(spawner, spec));
}

std::string failure_of(Spawner& spawner, const SpawnSpec& spec) {
    auto result = spawner.spawn(spec);
    if (const auto* failure = std::get_if<SpawnFailure>(&result)) return failure->text();
    waitpid(std::get<Spawned>(result).pid, nullptr, 0);
    return "spawned";
}

bool has_children() {
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

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

TEST(Spawn, LeaksNoDescriptorEvenOnesWithoutCloseOnExec) {
    const Fd first(open("/", O_RDONLY));
    Spawner spawner = make_spawner();
    const Fd second(open("/", O_RDONLY)), high(fcntl(first.get(), F_DUPFD, 700));
    ASSERT_TRUE(first && second && high);
    EXPECT_EQ(report_of(spawner, probe()).descriptors(), (std::vector<int>{0, 1, 2}));
}

TEST(Spawn, KeepsNoDescriptorOfAChildOpen) {
    Spawner spawner = make_spawner();
    const std::vector<int> before = open_descriptors();
    Pipe pipe = Pipe::make();
    SpawnSpec spec = probe({"exit", "0"});
    spec.stderr_fd = pipe.write.get();
    spec.extra_fds = {{pipe.write.get(), 9}};
    EXPECT_EQ(failure_of(spawner, spec), "spawned");
    spec.argv = {"/no/such/file"};
    failure_of(spawner, spec);
    pipe.write.reset();
    EXPECT_EQ(read_to_end(pipe.read), "");  // would wait if any writer were left
    pipe.read.reset();
    EXPECT_EQ(open_descriptors(), before);
}

TEST(Spawn, WiresExtraDescriptorsToTheirNumbers) {
    Spawner spawner = make_spawner();
    TempDir dir;
    std::vector<Fd> files;
    SpawnSpec spec = probe();
    // More than the spawner has slots for, with gaps between.
    for (int i = 0; i < 12; ++i) {
        const std::string path = dir / std::to_string(i);
        files.emplace_back(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        spec.extra_fds.emplace_back(files.back().get(), 3 + i * 2);
    }
    const Report report = report_of(spawner, spec);
    for (int i = 0; i < 12; ++i) {
        EXPECT_EQ(report["fd " + std::to_string(3 + i * 2)], dir / std::to_string(i));
    }
    EXPECT_EQ(report.descriptors().size(), 15u);
}

TEST(Spawn, WiresDescriptorsWhoseNumbersCollide) {
    EXPECT_TRUE(holds_in_child([] {
        TempDir dir;
        const auto take = [&](const char* name, int number) {
            const Fd fd(open((dir / name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
            dup3(fd.get(), number, O_CLOEXEC);
        };
        Pipe pipe = Pipe::make();
        const int kept = fcntl(1, F_DUPFD_CLOEXEC, 100);
        take("zero", 0);
        take("two", 2);
        take("twenty", 20);
        dup3(pipe.write.get(), 1, O_CLOEXEC);
        pipe.write.reset();
        Spawner spawner = make_spawner();
        SpawnSpec spec = probe();
        spec.stdin_fd = 2;
        spec.stdout_fd = 1;
        spec.stderr_fd = 0;
        spec.extra_fds = {{20, 3}, {0, 20}, {2, 4}, {20, 5}};
        const Spawned child = std::move(std::get<Spawned>(spawner.spawn(spec)));
        dup3(kept, 1, 0);
        const Report report(read_to_end(pipe.read));
        waitpid(child.pid, nullptr, 0);
        EXPECT_EQ(report["fd 0"], dir / "two");
        EXPECT_TRUE(report["fd 1"].starts_with("pipe:"));
        EXPECT_EQ(report["fd 2"], dir / "zero");
        EXPECT_EQ(report["fd 3"], dir / "twenty");
        EXPECT_EQ(report["fd 4"], dir / "two");
        EXPECT_EQ(report["fd 5"], dir / "twenty");
        EXPECT_EQ(report["fd 20"], dir / "zero");
        EXPECT_EQ(report.descriptors().size(), 7u);
        return true;
    }));
}

TEST(Spawn, OneDescriptorMayHaveSeveralNumbers) {
    Spawner spawner = make_spawner();
    Pipe pipe = Pipe::make();
    SpawnSpec spec = probe();
    spec.stdout_fd = spec.stderr_fd = pipe.write.get();
    const Spawned child = std::move(std::get<Spawned>(spawner.spawn(spec)));
    pipe.write.reset();
    const Report report(read_to_end(pipe.read));
    waitpid(child.pid, nullptr, 0);
    EXPECT_EQ(report["fd 1"], report["fd 2"]);
    EXPECT_TRUE(report["fd 1"].starts_with("pipe:"));
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

TEST(Spawn, WiresDescriptorsThatAreAboveTheChildsLimit) {
    Spawner spawner = make_spawner();
    const Fd high(fcntl(0, F_DUPFD_CLOEXEC, 300));
    SpawnSpec spec = probe();
    spec.limits = {{RLIMIT_NOFILE, {20, 20}}};
    for (int target = 3; target < 12; ++target) spec.extra_fds.emplace_back(high.get(), target);
    EXPECT_EQ(report_of(spawner, spec).descriptors().size(), 12u);
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

TEST(Spawn, ClosesDescriptorsWhereTheKernelCannotCloseRanges) {
    EXPECT_TRUE(holds_in_child([] {
        const sock_filter program[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const sock_fprog filter{4, const_cast<sock_filter*>(program)};
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) return false;
        Spawner spawner = make_spawner();
        const Fd low(open("/", O_RDONLY)), high(fcntl(low.get(), F_DUPFD, 700));
        const std::vector<int> before = open_descriptors();
        SpawnSpec spec = probe();
        spec.extra_fds = {{high.get(), 7}};
        const Report report = report_of(spawner, spec);
        EXPECT_EQ(report.descriptors(), (std::vector<int>{0, 1, 2, 7}));
        EXPECT_EQ(open_descriptors(), before);
        return true;
    }));
}

}  // namespace
}  // namespace reeve::os
