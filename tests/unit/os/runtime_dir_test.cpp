#include "supervisor/os/runtime_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "supervisor/os/files.h"
#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

mode_t mode_of(const std::string& path) {
    struct stat status {};
    stat(path.c_str(), &status);
    return status.st_mode & 07777;
}

TEST(PrivateDir, IsMadeWithItsParentsWhateverTheUmask) {
    TempDir dir;
    const mode_t before = umask(0);
    EXPECT_TRUE(make_private_dir(dir / "a/b/c/"));
    umask(0277);
    EXPECT_TRUE(make_private_dir(dir / "a/b/d"));
    umask(before);
    EXPECT_EQ(mode_of(dir / "a"), 0755u);
    EXPECT_EQ(mode_of(dir / "a/b"), 0755u);
    EXPECT_EQ(mode_of(dir / "a/b/c"), 0700u);
    EXPECT_EQ(mode_of(dir / "a/b/d"), 0700u);
}

TEST(PrivateDir, IsTakenAsItIsWhenItIsOurs) {
    TempDir dir;
    ASSERT_EQ(mkdir((dir / "x").c_str(), 0750), 0);
    EXPECT_TRUE(make_private_dir(dir / "x"));
    EXPECT_EQ(mode_of(dir / "x"), 0750u);
}

TEST(PrivateDir, MayLieBehindASymbolicLinkButNotBeOne) {
    TempDir dir;
    ASSERT_EQ(mkdir((dir / "real").c_str(), 0700), 0);
    std::filesystem::create_symlink("real", dir / "link");
    EXPECT_TRUE(make_private_dir(dir / "link/inside"));
    EXPECT_EQ(make_private_dir(dir / "link").error().text(),
              "cannot use " + (dir / "link") + ": it is a symbolic link");
    EXPECT_FALSE(make_private_dir(dir / "link/"));
    std::filesystem::create_symlink("nowhere", dir / "dangling");
    EXPECT_FALSE(make_private_dir(dir / "dangling"));
}

TEST(PrivateDir, IsRefusedWhenOthersMayWriteToIt) {
    TempDir dir;
    for (const mode_t mode : {0770u, 0707u, 01777u}) {
        ASSERT_TRUE(make_private_dir(dir / "x"));
        chmod((dir / "x").c_str(), mode);
        EXPECT_EQ(make_private_dir(dir / "x").error().text(),
                  "cannot use " + (dir / "x") + ": others may write to it");
        chmod((dir / "x").c_str(), 0700);
    }
}

TEST(PrivateDir, IsRefusedWhenItIsSomebodyElses) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    TempDir dir;
    ASSERT_EQ(mkdir((dir / "x").c_str(), 0700), 0);
    ASSERT_EQ(chown((dir / "x").c_str(), 65534, 65534), 0);
    EXPECT_EQ(make_private_dir(dir / "x").error().text(),
              "cannot use " + (dir / "x") + ": it belongs to user 65534");
}

TEST(PrivateDir, SaysWhatIsInTheWay) {
    TempDir dir;
    write_file(dir / "file", "");
    EXPECT_EQ(make_private_dir(dir / "file").error().text(),
              "cannot use " + (dir / "file") + ": Not a directory");
    EXPECT_FALSE(make_private_dir(dir / "file/below"));
    EXPECT_EQ(make_private_dir("/proc/reeve/x").error().errnum, ENOENT);
}

TEST(LockFile, NamesItsHolderToASecondOne) {
    TempDir dir;
    const std::string path = dir / "lock";
    {
        const auto first = lock_file(path);
        ASSERT_TRUE(first);
        EXPECT_EQ(read_file(path, 100).value(), std::to_string(getpid()) + "\n");
        EXPECT_EQ(mode_of(path), 0600u);
        EXPECT_EQ(lock_file(path).error().text(),
                  "cannot lock " + path + ": process " + std::to_string(getpid()) + " holds it");
        EXPECT_NE(fcntl(first->get(), F_GETFD) & FD_CLOEXEC, 0);
    }
    EXPECT_TRUE(lock_file(path));
}

TEST(LockFile, OfADeadHolderIsFree) {
    TempDir dir;
    write_file(dir / "lock", "123456789\n");
    const auto lock = lock_file(dir / "lock");
    ASSERT_TRUE(lock);
    EXPECT_EQ(read_file(dir / "lock", 100).value(), std::to_string(getpid()) + "\n");
}

TEST(LockFile, IsNotKeptByChildren) {
    TempDir dir;
    Spawner spawner = make_spawner();
    Pipe input = Pipe::make(), output = Pipe::make();
    SpawnSpec spec;
    spec.argv = {kProbe, "wait"};
    spec.stdin_fd = input.read.get();
    spec.stdout_fd = output.write.get();
    auto lock = lock_file(dir / "lock");
    Running child(spawner, spec);
    lock->reset();
    EXPECT_TRUE(lock_file(dir / "lock"));
}

TEST(LockFile, SaysWhyItCannotBeMade) {
    EXPECT_EQ(lock_file("/no/such/folder/lock").error().errnum, ENOENT);
}

TEST(LockFile, IsLockedAnewWhenSomebodyHasDeletedIt) {
    TempDir dir;
    auto lock = lock_file(dir / "lock");
    EXPECT_FALSE(restore_lock(dir / "lock", lock->get()).value());
    std::filesystem::remove(dir / "lock");
    EXPECT_TRUE(restore_lock(dir / "lock", lock->get()).value());
    EXPECT_FALSE(lock_file(dir / "lock")) << "it is ours again";
    std::filesystem::remove(dir / "lock");
    const auto others = lock_file(dir / "lock");
    EXPECT_FALSE(restore_lock(dir / "lock", lock->get())) << "another one was quicker";
    EXPECT_TRUE(others);
}

}  // namespace
}  // namespace reeve::os
