#include "supervisor/os/service_pid_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <filesystem>

#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;
namespace fs = std::filesystem;

/// What a file says: the number, or why there is none.
std::string said_by(const std::string& path, const StartMark& start = StartMark()) {
    const auto content = read_service_pid_file(path, start);
    if (const auto* named = std::get_if<NamedPid>(&content)) return std::to_string(named->pid);
    return std::get<NotYet>(content).why;
}

void set_time(const std::string& path, time_t seconds) {
    const timeval times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(utimes(path.c_str(), times), 0);
}

TEST(ServicePidFile, NamesAProcess) {
    TempDir dir;
    const auto start = StartMark::now();
    for (const char* text : {"123\n", "123", "  123 \n", "123\r\n\n", "\n123", "00123"}) {
        write_file(dir / "x.pid", text);
        EXPECT_EQ(said_by(dir / "x.pid", start), "123") << text;
    }
}

TEST(ServicePidFile, SaysWhyItNamesNoneYet) {
    TempDir dir;
    EXPECT_EQ(said_by(dir / "x.pid"), "does not exist yet");
    EXPECT_EQ(said_by(dir / "no/folder/x.pid"), "does not exist yet");
    for (const char* text : {"", " \n\n"}) {
        write_file(dir / "x.pid", text);
        EXPECT_EQ(said_by(dir / "x.pid"), "is empty");
    }
    for (const char* text :
         {"x", "12x", "-1", "0", "12 13", "12\n13\n", "99999999999", "1.5",
          "1                                                               \n"}) {
        write_file(dir / "x.pid", text);
        EXPECT_EQ(said_by(dir / "x.pid"), "does not hold the number of a process, and nothing else")
            << text;
    }
    fs::remove(dir / "x.pid");
    fs::create_directory(dir / "x.pid");
    EXPECT_EQ(said_by(dir / "x.pid"), "is not a regular file");
}

TEST(ServicePidFile, AFileOlderThanTheStartIsNotThereYet) {
    TempDir dir;
    write_file(dir / "x.pid", "123\n");
    const auto start = StartMark::now();
    set_time(dir / "x.pid", time(nullptr) - 60);
    EXPECT_EQ(said_by(dir / "x.pid", start), "is older than this start");
    write_file(dir / "x.pid", "124\n");
    EXPECT_EQ(said_by(dir / "x.pid", start), "124");
}

TEST(ServicePidFile, AFileOfTheSameSecondIsNotOlderWhereTimesAreWholeSeconds) {
    const auto start = StartMark::now();
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    EXPECT_FALSE(start.is_after({now.tv_sec, 0}));
    EXPECT_TRUE(start.is_after({now.tv_sec - 2, 0}));
    EXPECT_FALSE(start.is_after({now.tv_sec + 3600, 5}));
}

TEST(ServicePidFile, NeverWaitsAtAPipeAndFollowsNoLinkInItsPlace) {
    TempDir dir;
    ASSERT_EQ(mkfifo((dir / "pipe").c_str(), 0666), 0);
    EXPECT_EQ(said_by(dir / "pipe"), "is not a regular file");
    write_file(dir / "real.pid", "123\n");
    fs::create_symlink(dir / "real.pid", dir / "x.pid");
    EXPECT_EQ(said_by(dir / "x.pid"), "is, or is reached by, a symbolic link that is not followed");
}

TEST(ServicePidFile, FollowsLinksOnTheWayThatAreOursOrRootsAlone) {
    TempDir dir;
    fs::create_directories(dir / "real/sub");
    fs::create_symlink("real", dir / "link");
    write_file(dir / "real/sub/x.pid", "123\n");
    EXPECT_EQ(said_by(dir / "link/sub/../sub//x.pid"), "123");
    fs::create_symlink("loop", dir / "loop");
    EXPECT_EQ(said_by(dir / "loop/x.pid"),
              "is, or is reached by, a symbolic link that is not followed");
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    ASSERT_EQ(lchown((dir / "link").c_str(), 65534, 65534), 0);
    EXPECT_EQ(said_by(dir / "link/sub/x.pid"),
              "is, or is reached by, a symbolic link that is not followed");
    EXPECT_FALSE(remove_service_pid_file(dir / "link/sub/x.pid"));
    EXPECT_TRUE(fs::exists(dir / "real/sub/x.pid"));
}

TEST(ServicePidFile, IsRemovedWithoutFollowingALinkInItsPlace) {
    TempDir dir;
    for (const char* old : {"", "\n", " 4194305\n"}) {
        write_file(dir / "x.pid", old);
        EXPECT_TRUE(remove_service_pid_file(dir / "x.pid"));
        EXPECT_FALSE(fs::exists(dir / "x.pid"));
    }
    EXPECT_TRUE(remove_service_pid_file(dir / "x.pid"));
    EXPECT_TRUE(remove_service_pid_file(dir / "no/folder/x.pid"));
    write_file(dir / "precious", "1");
    fs::create_symlink(dir / "precious", dir / "x.pid");
    EXPECT_FALSE(remove_service_pid_file(dir / "x.pid"));
    EXPECT_TRUE(fs::exists(dir / "precious"));
    EXPECT_TRUE(fs::is_symlink(dir / "x.pid"));
    fs::create_directory(dir / "folder");
    EXPECT_FALSE(remove_service_pid_file(dir / "folder"));
}

TEST(ServicePidFile, IsNotRemovedIfItHoldsSomethingElse) {
    TempDir dir;
    for (const std::string& other : {std::string("root:x:0:0\n"), std::string(1000, '1')}) {
        write_file(dir / "x.pid", other);
        const auto removed = remove_service_pid_file(dir / "x.pid");
        ASSERT_FALSE(removed);
        EXPECT_EQ(removed.error().text(),
                  "cannot remove the old PID file " + (dir / "x.pid") +
                      ": it does not hold the number of a process, and nothing else; remove it, or "
                      "correct pid_file");
        EXPECT_TRUE(fs::exists(dir / "x.pid"));
    }
}

TEST(ServicePidFile, IsRemovedAfterAnEndIfItStillNamesThatProcess) {
    TempDir dir;
    write_file(dir / "x.pid", "123\n");
    remove_service_pid_file_of(dir / "x.pid", 124);
    EXPECT_TRUE(fs::exists(dir / "x.pid"));
    set_time(dir / "x.pid", 1000);
    remove_service_pid_file_of(dir / "x.pid", 123);
    EXPECT_FALSE(fs::exists(dir / "x.pid"));
}

}  // namespace
}  // namespace reeve::os
