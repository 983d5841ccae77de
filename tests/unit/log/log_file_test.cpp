#include "supervisor/log/log_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "tests/unit/log/support.h"

namespace reeve::log {
namespace {

const Time kNow{1000s};
const WallTime kWall{1795221600s};

struct LogFileTest : testing::Test {
    TempDir dir;
    std::string place = dir / "logs/web";
    LogFile file;

    std::string current() const { return read_file(place + "/current"); }
    void append(std::string_view text, Time now = kNow) {
        const auto ready = file.prepare(place, now);
        ASSERT_TRUE(ready) << ready.error().text();
        const auto done = file.append(text);
        ASSERT_TRUE(done) << done.error().text();
    }
};

TEST_F(LogFileTest, MakesDirectoriesAndFileForTheOwnerAndGroupAlone) {
    const mode_t before = ::umask(0);
    append("a\n");
    ::umask(before);
    struct stat st {};
    ASSERT_EQ(::stat((place + "/current").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0640u);
    ASSERT_EQ(::stat(place.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0750u);
    EXPECT_EQ(current(), "a\n");
}

TEST_F(LogFileTest, GoesOnWhereAnExistingFileEnds) {
    append("a\n");
    file.close();
    append("b\n");
    EXPECT_EQ(current(), "a\nb\n");
    EXPECT_EQ(file.size(), 4u);
}

TEST_F(LogFileTest, RotatesByRenamingAndTouchesNoOtherFile) {
    for (int i = 0; i < 3; ++i) {
        append(std::to_string(i) + "\n");
        ASSERT_TRUE(file.rotate(place, kWall + std::chrono::seconds(i)));
    }
    append("last\n");
    EXPECT_EQ(current(), "last\n");
    const auto names = rotated_in(place);
    ASSERT_EQ(names.size(), 3u);
    for (int i = 0; i < 3; ++i) {
        const std::string& name = names[static_cast<std::size_t>(i)];
        EXPECT_EQ(name, rotated_name(kWall + std::chrono::seconds(i)));
        EXPECT_EQ(read_file(place + "/" + name), std::to_string(i) + "\n");
    }
}

TEST_F(LogFileTest, RotatedNamesSortByTimeEvenWhenTheClockWasSetBack) {
    append("first\n");
    ASSERT_TRUE(file.rotate(place, kWall));
    append("second\n");
    ASSERT_TRUE(file.rotate(place, kWall - 1h));
    append("third\n");
    ASSERT_TRUE(file.rotate(place, kWall));
    const auto names = rotated_in(place);
    ASSERT_EQ(names.size(), 3u);
    EXPECT_EQ(read_file(place + "/" + names[0]), "first\n");
    EXPECT_EQ(read_file(place + "/" + names[1]), "second\n");
    EXPECT_EQ(read_file(place + "/" + names[2]), "third\n");
}

TEST_F(LogFileTest, RotatedNamesSortAfterThoseOfAnEarlierTimeThoughTheClockWasSetBack) {
    append("new\n");
    write_file(place + "/" + rotated_name(kWall) + ".zst", "an older one");
    ASSERT_TRUE(file.rotate(place, kWall - 1h));
    EXPECT_EQ(rotated_in(place),
              (std::vector<std::string>{rotated_name(kWall) + ".zst", rotated_name(kWall + 1ns)}));
}

TEST_F(LogFileTest, ADeletedFileOrDirectoryIsMadeAgain) {
    append("a\n");
    ASSERT_EQ(::unlink((place + "/current").c_str()), 0);
    append("b\n", kNow + 1s);
    EXPECT_EQ(current(), "b\n");
    std::filesystem::remove_all(dir / "logs");
    append("c\n", kNow + 2s);
    EXPECT_EQ(current(), "c\n");
}

TEST_F(LogFileTest, ADeletedFileIsMadeAgainAtOnceWhereALookIsAskedFor) {
    append("a\n");
    ASSERT_EQ(::unlink((place + "/current").c_str()), 0);
    file.look_again();
    append("b\n");
    EXPECT_EQ(current(), "b\n");
}

TEST_F(LogFileTest, NoticesThatSomebodyTruncatedIt) {
    append("0123456789\n");
    ASSERT_EQ(::truncate((place + "/current").c_str(), 0), 0);
    append("b\n", kNow + 1s);
    EXPECT_EQ(current(), "b\n");
    EXPECT_EQ(file.size(), 2u);
}

TEST_F(LogFileTest, TimeNeverGoesBackWithinAFile) {
    append("x\n");
    EXPECT_EQ(file.stamp(kWall), kWall);
    EXPECT_EQ(file.stamp(kWall - 5s), kWall);
    EXPECT_EQ(file.stamp(kWall + 1ns), kWall + 1ns);
}

TEST_F(LogFileTest, TimeGoesOnFromTheLastRecordOfAnExistingFile) {
    StampWriter writer;
    append(std::string(writer.text(kWall)) + " stdout F old\n");
    LogFile successor;
    ASSERT_TRUE(successor.prepare(place, kNow));
    EXPECT_EQ(successor.stamp(kWall - 1h), kWall);
    ASSERT_TRUE(successor.rotate(place, kWall));
    ASSERT_TRUE(successor.prepare(place, kNow));
    EXPECT_EQ(successor.stamp(kWall - 1h), kWall - 1h) << "a new file begins with the clock";
}

TEST_F(LogFileTest, IsAsOldAsItsFirstRecord) {
    StampWriter writer;
    EXPECT_FALSE(file.is_older_than(1ns)) << "an empty file is not old";
    append(std::string(writer.text(kWall)) + " stdout F first\n");
    append(std::string(writer.text(kWall + 10s)) + " stdout F second\n");
    file.stamp(kWall + 1min - 1ns);
    EXPECT_FALSE(file.is_older_than(1min));
    file.stamp(kWall + 1min);
    EXPECT_TRUE(file.is_older_than(1min));

    LogFile successor;
    ASSERT_TRUE(successor.prepare(place, kNow));
    successor.stamp(kWall + 1min);
    EXPECT_TRUE(successor.is_older_than(1min)) << "read from the file";
    ASSERT_TRUE(successor.rotate(place, kWall + 1min));
    ASSERT_TRUE(successor.prepare(place, kNow));
    EXPECT_FALSE(successor.is_older_than(1min));
}

TEST_F(LogFileTest, ALineThatACrashToreApartIsEndedFirst) {
    append("a\nhalf a li");
    LogFile successor;
    ASSERT_TRUE(successor.prepare(place, kNow));
    ASSERT_TRUE(successor.append("b\n"));
    EXPECT_EQ(current(), "a\nhalf a li\nb\n");
    EXPECT_EQ(successor.size(), current().size());
}

TEST_F(LogFileTest, AFailedAppendLeavesNothingBehind) {
    append("0123456789\n");
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const auto old = ::signal(SIGXFSZ, SIG_IGN);
    const rlimit tight{16, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &tight);
    const auto failed = file.append("too long a line\n");
    ::setrlimit(RLIMIT_FSIZE, &before);
    ::signal(SIGXFSZ, old);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().errnum, EFBIG);
    EXPECT_EQ(current(), "0123456789\n");
    append("b\n");
    EXPECT_EQ(current(), "0123456789\nb\n");
}

TEST_F(LogFileTest, RefusesWhatIsNoRegularFile) {
    std::filesystem::create_directories(place);
    ASSERT_EQ(::mkfifo((place + "/current").c_str(), 0600), 0);
    EXPECT_FALSE(file.prepare(place, kNow));
    ASSERT_EQ(::unlink((place + "/current").c_str()), 0);
    ASSERT_EQ(::symlink("/dev/null", (place + "/current").c_str()), 0);
    EXPECT_FALSE(file.prepare(place, kNow));
}

TEST_F(LogFileTest, UndoTakesBackOnlyWhatThatFileGotSince) {
    append("kept\n");
    const FileMark mark = file.mark();
    append("batch\n");
    ASSERT_TRUE(LogFile::undo(place, mark));
    EXPECT_EQ(current(), "kept\n");
    ASSERT_TRUE(LogFile::undo(place, mark));
    EXPECT_EQ(current(), "kept\n");
    FileMark other = mark;
    other.inode += 1;
    other.size = 0;
    ASSERT_TRUE(LogFile::undo(place, other));
    EXPECT_EQ(current(), "kept\n");
    ASSERT_TRUE(LogFile::undo(dir / "nowhere", mark));
}

}  // namespace
}  // namespace reeve::log
