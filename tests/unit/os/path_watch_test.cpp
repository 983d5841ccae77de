#include "supervisor/os/path_watch.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>

#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;
namespace fs = std::filesystem;

/// Whether anything that can matter has happened since.
bool wakes(const PathWatch& watch) {
    pollfd ready{watch.fd(), POLLIN, 0};
    return poll(&ready, 1, 0) == 1 && watch.drain();
}

TEST(PathWatchTest, TellsOfAFileThatIsMadeMovedInWrittenAndRemoved) {
    TempDir dir;
    auto watch = PathWatch::open(dir / "x.pid").value();
    ASSERT_TRUE(watch.follow());
    EXPECT_FALSE(wakes(watch));
    const Fd file(open((dir / "x.pid").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    EXPECT_TRUE(wakes(watch));
    ASSERT_EQ(write(file.get(), "1", 1), 1);
    EXPECT_TRUE(wakes(watch));
    fs::remove(dir / "x.pid");
    EXPECT_TRUE(wakes(watch));
    write_file(dir / "y", "");
    EXPECT_FALSE(wakes(watch));
    fs::rename(dir / "y", dir / "x.pid");
    EXPECT_TRUE(wakes(watch));
}

TEST(PathWatchTest, FollowsFoldersAsTheyComeToBe) {
    TempDir dir;
    auto watch = PathWatch::open(dir / "a//b/x.pid").value();
    ASSERT_TRUE(watch.follow());
    write_file(dir / "other", "");
    EXPECT_FALSE(wakes(watch));
    fs::create_directory(dir / "a");
    EXPECT_TRUE(wakes(watch));
    // This one comes before it is looked at again.
    fs::create_directory(dir / "a/b");
    ASSERT_TRUE(watch.follow());
    write_file(dir / "a/b/x.pid", "");
    EXPECT_TRUE(wakes(watch));
    fs::remove_all(dir / "a");
    EXPECT_TRUE(wakes(watch));
    ASSERT_TRUE(watch.follow());
    fs::create_directory(dir / "a");
    EXPECT_TRUE(wakes(watch));
}

TEST(PathWatchTest, SaysSoWhereNothingWillBeTold) {
    TempDir dir;
    write_file(dir / "file", "");
    auto watch = PathWatch::open(dir / "file/x.pid").value();
    EXPECT_FALSE(watch.follow());
    EXPECT_TRUE(PathWatch::open("/x.pid")->follow());
}

TEST(PathWatchTest, FailsWhenThereAreNoMoreDescriptors) {
    EXPECT_TRUE(holds_in_child([] {
        const rlimit none{3, 3};
        setrlimit(RLIMIT_NOFILE, &none);
        return !PathWatch::open("/x.pid");
    }));
}

}  // namespace
}  // namespace reeve::os
