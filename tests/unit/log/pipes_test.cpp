#include "supervisor/log/pipes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/log/support.h"

namespace reeve::log {
namespace {

/// What the pipes must do with a runtime directory and without.
struct PipesTest : testing::TestWithParam<bool> {
    TempDir dir;
    std::string runtime = GetParam() ? dir.path() : "";

    Pipes make() {
        auto pipes = Pipes::open(runtime);
        if (!pipes) std::abort();
        return std::move(*pipes);
    }
    Pipes::Opened open(Pipes& pipes, const std::string& service = "web") {
        auto opened = pipes.open(service, ::geteuid(), ::getegid());
        if (!opened) ADD_FAILURE() << opened.error().text();
        return opened ? std::move(*opened) : Pipes::Opened{};
    }
};

std::string read_now(const Fd& fd) {
    char text[100];
    const ssize_t n = ::read(fd.get(), text, sizeof text);
    return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : "";
}

TEST_P(PipesTest, LeadFromTheChildToTheReader) {
    Pipes pipes = make();
    const auto opened = open(pipes);
    ASSERT_TRUE(opened.reading);
    put(opened.child.out.get(), "out");
    put(opened.child.err.get(), "err");
    EXPECT_EQ(read_now(opened.reading->out), "out");
    EXPECT_EQ(read_now(opened.reading->err), "err");
    EXPECT_EQ(read_now(opened.reading->out), "") << "and reading never waits";
    EXPECT_EQ(errno, EAGAIN);
}

TEST_P(PipesTest, StayTheSameFromOneStartToTheNext) {
    Pipes pipes = make();
    const auto first = open(pipes);
    const auto second = open(pipes);
    EXPECT_FALSE(second.reading);
    put(second.child.out.get(), "again");
    EXPECT_EQ(read_now(first.reading->out), "again");
}

TEST_P(PipesTest, ChildrenGetBlockingDescriptionsOfTheirOwn) {
    Pipes pipes = make();
    const auto first = open(pipes);
    const auto second = open(pipes);
    for (const Fd* fd : {&first.child.out, &first.child.err, &second.child.out}) {
        EXPECT_EQ(::fcntl(fd->get(), F_GETFL) & O_NONBLOCK, 0);
        EXPECT_EQ(::fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
    }
    ASSERT_EQ(::fcntl(first.child.out.get(), F_SETFL, O_NONBLOCK), 0);
    EXPECT_EQ(::fcntl(second.child.out.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(::fcntl(first.reading->out.get(), F_GETFD), FD_CLOEXEC);
}

TEST_P(PipesTest, ChildrenKeepAReaderOfTheirOwn) {
    Pipes pipes = make();
    auto opened = open(pipes);
    opened.reading.reset();
    put(opened.child.out.get(), "nobody else reads");
}

TEST_P(PipesTest, AreTheUsersAlone) {
    Pipes pipes = make();
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    const auto opened = pipes.open("web", 1234, 4321);
    ASSERT_TRUE(opened) << opened.error().text();
    for (const Fd* fd : {&opened->child.out, &opened->child.err}) {
        struct stat st {};
        ASSERT_EQ(::fstat(fd->get(), &st), 0);
        EXPECT_EQ(st.st_uid, 1234u);
        EXPECT_EQ(st.st_gid, 4321u);
        EXPECT_EQ(st.st_mode & 07777, 0600u);
    }
    const auto moved = pipes.open("web", 1235, 4321);
    struct stat st {};
    ASSERT_TRUE(moved);
    ASSERT_EQ(::fstat(moved->child.out.get(), &st), 0);
    EXPECT_EQ(st.st_uid, 1235u) << "and follow a change of the user";
}

TEST_P(PipesTest, RefuseWhatIsNoName) {
    Pipes pipes = make();
    for (const char* name : {"", "../web", "a/b", ".", "..", ".hidden"}) {
        EXPECT_FALSE(pipes.open(name, ::geteuid(), ::getegid())) << name;
    }
}

TEST_P(PipesTest, ALackOfDescriptorsIsAnErrorAndPasses) {
    Pipes pipes = make();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const Fd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    for (int spare = 0; spare < 4; ++spare) {
        const rlimit tight{static_cast<rlim_t>(next.get() + 1 + spare), before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &tight);
        EXPECT_FALSE(pipes.open("web", ::geteuid(), ::getegid())) << spare;
        ::setrlimit(RLIMIT_NOFILE, &before);
    }
    const auto opened = open(pipes);
    ASSERT_TRUE(opened.reading);
    put(opened.child.err.get(), "fine");
    EXPECT_EQ(read_now(opened.reading->err), "fine");
}

INSTANTIATE_TEST_SUITE_P(Fifos, PipesTest, testing::Values(true));
INSTANTIATE_TEST_SUITE_P(Anonymous, PipesTest, testing::Values(false));

struct FifoTest : PipesTest {};

TEST_P(FifoTest, OutliveTheirMaker) {
    {
        Pipes pipes = make();
        auto opened = open(pipes);
        opened.reading.reset();
        put(opened.child.out.get(), "still there");
        Pipes successor = make();
        const auto adopted = successor.adopt("web");
        ASSERT_TRUE(adopted && *adopted);
        EXPECT_EQ(read_now((*adopted)->out), "still there");
        EXPECT_FALSE(open(successor).reading) << "the reading ends were given out";
    }
    EXPECT_TRUE(std::filesystem::is_fifo(dir / "fifo/web.stdout"));
}

TEST_P(FifoTest, AreAdoptedFromWhoeverHasThemWhenTheirNamesAreGone) {
    Pipes pipes = make();
    auto opened = open(pipes);
    put(opened.child.out.get(), "by another way");
    put(opened.child.err.get(), "by its name");
    ASSERT_EQ(::unlink((dir / "fifo/web.stdout").c_str()), 0);
    Pipes successor = make();
    const auto adopted = successor.adopt("web", [&] {
        return FdPair{std::move(opened.reading->out), {}};
    });
    ASSERT_TRUE(adopted && *adopted);
    EXPECT_EQ(read_now((*adopted)->out), "by another way");
    EXPECT_EQ(read_now((*adopted)->err), "by its name");
    EXPECT_TRUE(open(successor).reading) << "a new one has been made";
}

TEST_P(FifoTest, AreNotAdoptedWhereThereAreNone) {
    Pipes pipes = make();
    const auto adopted = pipes.adopt("web");
    ASSERT_TRUE(adopted);
    EXPECT_FALSE(*adopted);
    EXPECT_TRUE(open(pipes).reading);
}

TEST_P(FifoTest, AreMadeAgainWhenSomebodyRemovedThem) {
    Pipes pipes = make();
    const auto first = open(pipes);
    ASSERT_EQ(::unlink((dir / "fifo/web.stderr").c_str()), 0);
    const auto second = open(pipes);
    ASSERT_TRUE(second.reading);
    put(second.child.err.get(), "new");
    EXPECT_EQ(read_now(second.reading->err), "new");
}

TEST_P(FifoTest, TakeThePlaceOfWhatIsNoFifo) {
    Pipes pipes = make();
    write_file(dir / "fifo/web.stdout", "a file");
    ASSERT_EQ(::symlink("/dev/null", (dir / "fifo/web.stderr").c_str()), 0);
    open(pipes);
    EXPECT_TRUE(std::filesystem::is_fifo(std::filesystem::symlink_status(dir / "fifo/web.stdout")));
    EXPECT_TRUE(std::filesystem::is_fifo(std::filesystem::symlink_status(dir / "fifo/web.stderr")));
}

TEST_P(FifoTest, AreUnlinkedWhenTheServiceGoes) {
    Pipes pipes = make();
    open(pipes);
    pipes.remove("web");
    EXPECT_TRUE(std::filesystem::is_empty(dir / "fifo"));
    EXPECT_TRUE(open(pipes).reading);
}

INSTANTIATE_TEST_SUITE_P(Fifos, FifoTest, testing::Values(true));

}  // namespace
}  // namespace reeve::log
