#include "supervisor/os/process.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "supervisor/os/process_tree.h"
#include "supervisor/os/signal_fd.h"
#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

TEST(BecomeSupervisor, ResetsWhatItInheritedAndRemembersIt) {
    EXPECT_TRUE(holds_in_child([] {
        signal(SIGHUP, SIG_IGN);
        signal(SIGCHLD, SIG_IGN);
        signal(SIGRTMIN + 1, SIG_IGN);
        sigset_t blocked = signal_set({SIGUSR2, SIGCHLD});
        sigprocmask(SIG_SETMASK, &blocked, nullptr);
        const auto inherited = become_supervisor(signal_set({SIGTERM, SIGCHLD}));
        EXPECT_TRUE(inherited);
        EXPECT_EQ(sigismember(&inherited->ignored, SIGHUP), 1);
        EXPECT_EQ(sigismember(&inherited->ignored, SIGRTMIN + 1), 1);
        EXPECT_EQ(sigismember(&inherited->ignored, SIGTERM), 0);
        EXPECT_EQ(sigismember(&inherited->mask, SIGUSR2), 1);
        EXPECT_EQ(sigismember(&inherited->mask, SIGTERM), 0);
        sigset_t mask;
        sigprocmask(SIG_SETMASK, nullptr, &mask);
        EXPECT_EQ(sigismember(&mask, SIGTERM), 1);
        EXPECT_EQ(sigismember(&mask, SIGCHLD), 1);
        EXPECT_EQ(sigismember(&mask, SIGUSR2), 0);
        EXPECT_EQ(signal(SIGHUP, SIG_DFL), SIG_DFL);
        EXPECT_EQ(signal(SIGCHLD, SIG_DFL), SIG_DFL);
        EXPECT_EQ(signal(SIGRTMIN + 1, SIG_DFL), SIG_DFL);
        EXPECT_EQ(signal(SIGPIPE, SIG_DFL), SIG_IGN);
        EXPECT_EQ(signal(SIGXFSZ, SIG_DFL), SIG_IGN);
        return true;
    }));
}

TEST(BecomeSupervisor, BecomesTheReaperOfOrphans) {
    EXPECT_TRUE(holds_in_child([] {
        EXPECT_TRUE(become_supervisor(signal_set({})));
        int is_reaper = 0;
        prctl(PR_GET_CHILD_SUBREAPER, &is_reaper, 0, 0, 0);
        return is_reaper == 1;
    }));
}

TEST(DescriptorsLeft, AreThoseThatTheLimitAllowsBesideTheOpenOnes) {
    EXPECT_TRUE(holds_in_child([] {
        rlimit limit{};
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 100;
        setrlimit(RLIMIT_NOFILE, &limit);
        const auto before = descriptors_left();
        const Fd one(dup(0)), two(dup(0));
        return before && *before < 100 && descriptors_left() == *before - 2;
    }));
}

TEST(BecomeSupervisor, RaisesTheLimitOfDescriptorsAndGivesChildrenTheOldOne) {
    EXPECT_TRUE(holds_in_child([] {
        rlimit original{};
        getrlimit(RLIMIT_NOFILE, &original);
        const rlimit few{100, original.rlim_max};
        setrlimit(RLIMIT_NOFILE, &few);
        auto inherited = become_supervisor(signal_set({}));
        rlimit raised{};
        getrlimit(RLIMIT_NOFILE, &raised);
        EXPECT_GE(raised.rlim_cur, original.rlim_max);
        EXPECT_EQ(raised.rlim_cur, raised.rlim_max);
        Pipe pipe = Pipe::make();
        Spawner spawner = make_spawner(inherited->limits);
        SpawnSpec spec;
        spec.argv = {"/bin/sh", "-c", "ulimit -Sn; ulimit -Hn"};
        spec.stdout_fd = pipe.write.get();
        Running child(spawner, spec);
        pipe.write.reset();
        EXPECT_EQ(read_to_end(pipe.read), "100\n" + std::to_string(original.rlim_max) + "\n");
        child.wait();
        return true;
    }));
}

TEST(BecomeSupervisor, OpensStandardDescriptorsThatAreClosed) {
    EXPECT_TRUE(holds_in_child([] {
        close(0);
        close(2);
        EXPECT_TRUE(become_supervisor(signal_set({})));
        struct stat null {
        }, zero{}, two{};
        stat("/dev/null", &null);
        return fstat(0, &zero) == 0 && fstat(2, &two) == 0 && zero.st_rdev == null.st_rdev &&
               two.st_rdev == null.st_rdev;
    }));
}

TEST(SignalFd, ReadsAllThatArePendingWithTheirSenders) {
    EXPECT_TRUE(holds_in_child([] {
        const sigset_t set = signal_set({SIGTERM, SIGUSR1, SIGRTMIN + 3});
        EXPECT_TRUE(become_supervisor(set));
        const auto fd = make_signal_fd(set);
        EXPECT_TRUE(read_signals(fd->get()).empty());
        for (int i = 0; i < 20; ++i) kill(getpid(), SIGRTMIN + 3);  // these queue
        kill(getpid(), SIGTERM);
        kill(getpid(), SIGTERM);  // this does not
        const auto signals = read_signals(fd->get());
        EXPECT_EQ(signals.size(), 21u);
        EXPECT_EQ(signals.front().ssi_pid, static_cast<std::uint32_t>(getpid()));
        EXPECT_TRUE(read_signals(fd->get()).empty());
        EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
        return true;
    }));
}

}  // namespace
}  // namespace reeve::os
