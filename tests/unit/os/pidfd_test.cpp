#include "supervisor/os/pidfd.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/unit/os/probe.h"
#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

TEST(Pidfd, PeeksAtAnExitWithoutReapingIt) {
    Spawner spawner = make_spawner();
    Running child(spawner, probe({"exit", "7"}));
    pollfd ended{child.pidfd(), POLLIN, 0};
    ASSERT_EQ(poll(&ended, 1, -1), 1);
    EXPECT_EQ(peek_exit(child.pidfd())->status, ExitStatus::exited(7));
    EXPECT_EQ(peek_exit(child.pidfd())->status, ExitStatus::exited(7));
    EXPECT_EQ(peek_exit_of(child.pid())->status, ExitStatus::exited(7));
    const auto zombie = peek_any();
    ASSERT_TRUE(zombie);
    EXPECT_EQ(zombie->pid, child.pid());
    EXPECT_EQ(zombie->status, ExitStatus::exited(7));
    const auto reaped = reap(child.pidfd());
    ASSERT_TRUE(reaped);
    EXPECT_EQ(reaped->pid, child.pid());
    EXPECT_EQ(reaped->status, ExitStatus::exited(7));
    EXPECT_FALSE(peek_exit(child.pidfd()));
    EXPECT_FALSE(reap(child.pidfd()));
    EXPECT_FALSE(peek_any());
}

TEST(Pidfd, TellsNothingOfAChildThatRuns) {
    Spawner spawner = make_spawner();
    Pipe input = Pipe::make();
    SpawnSpec spec = probe({"wait"});
    spec.stdin_fd = input.read.get();
    const Fd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    spec.stdout_fd = null.get();
    Running child(spawner, spec);
    EXPECT_FALSE(peek_exit(child.pidfd()));
    EXPECT_FALSE(peek_any());
    EXPECT_FALSE(reap(child.pidfd()));
    EXPECT_FALSE(reap_pid(child.pid()));
}

TEST(Pidfd, TellsTheSignalThatKilled) {
    Spawner spawner = make_spawner();
    SpawnSpec spec = probe({"kill", "15"});
    Running child(spawner, spec);
    child.await_end();
    EXPECT_EQ(peek_exit(child.pidfd())->status, ExitStatus::killed(SIGTERM));
    SpawnSpec crash = probe({"kill", "6"});
    crash.limits = {{RLIMIT_CORE, {0, 0}}};
    Running crashed(spawner, crash);
    crashed.await_end();
    EXPECT_EQ(peek_exit(crashed.pidfd())->status.signal, SIGABRT);
}

TEST(Pidfd, ReapsByNumberWithWhatTheChildUsed) {
    Spawner spawner = make_spawner();
    SpawnSpec spec;
    spec.argv = {"/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"};
    Running child(spawner, spec);
    child.await_end();
    const auto reaped = reap_pid(child.pid());
    ASSERT_TRUE(reaped);
    EXPECT_EQ(reaped->status, ExitStatus::exited(0));
    EXPECT_GT(reaped->usage.user + reaped->usage.system, Duration::zero());
    EXPECT_GT(reaped->usage.max_rss, 100'000u);
}

TEST(Pidfd, SignalsByPidfdAndRefusesWhenTheProcessIsGone) {
    Spawner spawner = make_spawner();
    Pipe input = Pipe::make();
    SpawnSpec spec = probe({"wait"});
    spec.stdin_fd = input.read.get();
    const Fd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    spec.stdout_fd = null.get();
    Running child(spawner, spec);
    const auto pidfd = open_pidfd(child.pid());
    ASSERT_TRUE(pidfd);
    ASSERT_TRUE(send_signal(pidfd->get(), SIGTERM));
    child.await_end();
    EXPECT_EQ(peek_exit(pidfd->get())->status, ExitStatus::killed(SIGTERM));
    EXPECT_TRUE(send_signal(pidfd->get(), SIGTERM));  // a zombie takes it
    const pid_t pid = child.pid();
    child.wait();
    EXPECT_EQ(send_signal(pidfd->get(), SIGTERM).error().errnum, ESRCH);
    EXPECT_EQ(open_pidfd(pid).error().errnum, ESRCH);
}

}  // namespace
}  // namespace reeve::os
