#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "tests/unit/os/probe.h"
#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

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

TEST(Spawn, WiresDescriptorsThatAreAboveTheChildsLimit) {
    Spawner spawner = make_spawner();
    const Fd high(fcntl(0, F_DUPFD_CLOEXEC, 300));
    SpawnSpec spec = probe();
    spec.limits = {{RLIMIT_NOFILE, {20, 20}}};
    for (int target = 3; target < 12; ++target) spec.extra_fds.emplace_back(high.get(), target);
    EXPECT_EQ(report_of(spawner, spec).descriptors().size(), 12u);
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
