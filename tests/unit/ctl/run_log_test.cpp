#include <gmock/gmock.h>

#include "ctl/protocol/timestamp.h"
#include "ctl/run_log.h"
#include "tests/unit/ctl/zstd_fixture.h"

namespace reeve::ctl {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

/// When record(number, …) was written.
WallTime at(int number) {
    return *protocol::parse_rfc3339("2026-11-21T00:00:00Z") + std::chrono::seconds(number);
}

std::vector<std::string> numbered(int first, int last) {
    std::vector<std::string> lines;
    for (int i = first; i <= last; ++i) lines.push_back("line " + std::to_string(i));
    return lines;
}

std::vector<std::string> numbered_twice(int first, int last, int next, int end) {
    std::vector<std::string> lines = numbered(first, last);
    for (const std::string& line : numbered(next, end)) lines.push_back(line);
    return lines;
}

class RunLogTest : public testing::Test {
  protected:
    void write(const std::string& file, const std::string& text) {
        write_file(dir_ / ("web/" + file), text);
    }
    RunLog read(std::optional<WallTime> from, std::optional<WallTime> to, std::uint64_t most = 10) {
        return read_run_logs(dir_.path(), {{"web", from, to}}, most)[0];
    }
    std::vector<std::string> lines(int from, int to, std::uint64_t most = 10) {
        const RunLog log = read(at(from), at(to), most);
        return log.lines ? *log.lines : std::vector<std::string>{"no lines: " + log.remark};
    }

    TempDir dir_;
};

TEST_F(RunLogTest, HasTheLastLinesBetweenTwoMoments) {
    write("current", records(1, 100));
    EXPECT_EQ(lines(40, 60, 5), numbered(56, 60));
    EXPECT_EQ(lines(40, 60, 100), numbered(40, 60));
    EXPECT_EQ(lines(40, 42), numbered(40, 42));
    EXPECT_EQ(lines(0, 3), numbered(1, 3));
    EXPECT_EQ(lines(98, 200), numbered(98, 100));
    EXPECT_EQ(lines(50, 50), numbered(50, 50));
}

TEST_F(RunLogTest, NeedNotKnowWhenTheRunBeganOrEnded) {
    write("current", records(1, 100));
    EXPECT_EQ(read(std::nullopt, at(20), 3).lines, numbered(18, 20));
    EXPECT_EQ(read(at(99), std::nullopt).lines, numbered(99, 100));
    EXPECT_EQ(read(std::nullopt, std::nullopt, 2).lines, numbered(99, 100));
}

TEST_F(RunLogTest, IsReadAcrossRotations) {
    write("@20261121T000100Z.log", records(1, 20));
    write("@20261121T000200Z.log", records(21, 40));
    write("current", records(41, 60));
    for (int last = 1; last <= 60; ++last) {
        EXPECT_EQ(lines(1, last, 25), numbered(std::max(1, last - 24), last)) << last;
    }
    EXPECT_EQ(lines(19, 42), numbered(33, 42));
    EXPECT_EQ(lines(19, 22), numbered(19, 22));
}

TEST_F(RunLogTest, WasThereThoughCurrentIsYoungerOrEmptyOrGone) {
    write("@20261121T000100Z.log", records(1, 20));
    EXPECT_EQ(lines(1, 20, 2), numbered(19, 20));
    write("current", "");
    EXPECT_EQ(lines(1, 20, 2), numbered(19, 20));
    write("current", records(50, 60));
    EXPECT_EQ(lines(1, 30, 2), numbered(19, 20));
}

TEST_F(RunLogTest, IsFoundInALargeLogWhateverTheLengthOfLines) {
    std::string log;
    for (int i = 1; i <= 600; ++i) {
        const std::size_t length = i % 7 == 0 ? 20'000u : static_cast<std::size_t>(i % 50);
        log += record(i, std::to_string(i) + std::string(length, 'x'));
    }
    write("current", log);
    for (int last = 1; last <= 600; last += 13) {
        const std::vector<std::string> found = lines(1, last, 1);
        ASSERT_EQ(found.size(), 1u);
        EXPECT_EQ(std::stoi(found[0]), last);
    }
}

TEST_F(RunLogTest, TakesMillisecondsThatTheSupervisorCutOffAsWhole) {
    write("current",
          "2026-11-21T00:00:01.123456789Z stdout F last\n"
          "2026-11-21T00:00:01.124000000Z stdout F of the next run\n");
    EXPECT_EQ(read(at(1), at(1) + 123ms).lines, std::vector<std::string>{"last"});
}

TEST_F(RunLogTest, JoinsPartsAndTakesLinesWithoutATime) {
    write("current", record(1, "a", "P") + record(2, "b") + "odd\n" + record(9, "later"));
    EXPECT_EQ(lines(1, 5), (std::vector<std::string>{"ab", "odd"}));
}

TEST_F(RunLogTest, SaysWhyThereAreNone) {
    EXPECT_EQ(read(at(1), at(2)),
              (RunLog{std::nullopt, "there is no log of it in " + (dir_ / "web"), true}));
    write("current", records(1, 1) + records(50, 60));
    EXPECT_EQ(read(at(10), at(20)),
              (RunLog{std::vector<std::string>(), "it wrote nothing", false}));
    EXPECT_EQ(read(at(90), std::nullopt).remark, "it has written nothing so far");
    std::filesystem::remove_all(dir_ / "web");
    write_file(dir_ / "web", "a file");
    const RunLog unreadable = read(at(1), at(2));
    EXPECT_EQ(unreadable.lines, std::nullopt);
    EXPECT_THAT(unreadable.remark, AllOf(StartsWith("cannot "), HasSubstr("Not a directory")));
    EXPECT_FALSE(unreadable.missing);
}

TEST_F(RunLogTest, IsReadFromCompressedFiles) {
    write("@20261121T000100Z.log.zst", seekable(records(1, 20)));
    write("@20261121T000200Z.log.zst", seekable(records(21, 40)));
    write("current", records(50, 60));
    EXPECT_EQ(lines(1, 30, 15), numbered(16, 30));
    EXPECT_EQ(lines(35, 52), numbered_twice(35, 40, 50, 52));
}

}  // namespace
}  // namespace reeve::ctl
