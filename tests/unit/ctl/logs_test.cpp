#include <gmock/gmock.h>

#include "ctl/log_line.h"
#include "ctl/service_log.h"
#include "tests/unit/ctl/zstd_fixture.h"

namespace reeve::ctl {
namespace {

using protocol::State;
using testing::AllOf;
using testing::HasSubstr;

TEST(Cri, RecordIsTakenApart) {
    const auto record = parse_cri("2026-11-21T00:40:00.123456789Z stderr P a part ");
    ASSERT_TRUE(record);
    EXPECT_EQ(record->time, "2026-11-21T00:40:00.123456789Z");
    EXPECT_EQ(record->stream, "stderr");
    EXPECT_TRUE(record->partial);
    EXPECT_EQ(record->text, "a part ");
    EXPECT_EQ(parse_cri("2026-11-21T00:40:00Z stdout F ")->text, "");
    EXPECT_EQ(parse_cri("2026-11-21T00:40:00Z stdout F:x y")->text, "y");
}

TEST(Cri, OtherLinesAreNone) {
    for (const char* line :
         {"", " ", "hello", "2026-11-21T00:40:00Z stdin F x", "2026-11-21T00:40:00Z stdout X x",
          "2026-11-21T00:40:00Z stdout ", "2026-11-21T00:40:00Z stdout Fx y",
          "yesterday, at the latest stdout F x"}) {
        EXPECT_FALSE(parse_cri(line)) << line;
    }
}

class LogsTest : public CtlTest {
  protected:
    std::string folder(const std::string& service) { return dir_ / ("log/" + service); }

    /// Lines 1 to 300 of web in three files.
    void write_rotated() {
        write_file(folder("web") + "/@20261121T000100Z.log", records(1, 100));
        write_file(folder("web") + "/@20261121T000200Z.log", records(101, 200));
        write_file(folder("web") + "/current", records(201, 300));
    }
};

TEST_F(LogsTest, ArePrintedAcrossRotation) {
    write_rotated();
    const Ran ran = ctl({"logs", "web"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(ran.out, printed(1, 300));
    EXPECT_EQ(ran.err, "");
}

TEST_F(LogsTest, LastLinesComeFromAsManyFilesAsItTakes) {
    write_rotated();
    for (const int n : {0, 1, 99, 100, 101, 199, 200, 250, 300, 301, 1000}) {
        EXPECT_EQ(ctl({"logs", "-n", std::to_string(n), "web"}).out,
                  printed(std::max(1, 301 - n), 300))
            << n;
    }
}

TEST_F(LogsTest, LastLinesAreRightAtEveryBlockBoundary) {
    // Lines of growing length around and beyond a block of 64 KiB.
    std::string log;
    std::vector<std::string> lines;
    for (std::size_t length :
         {10u, 65'400u, 65'500u, 65'536u, 70'000u, 1u, 131'072u, 0u, 65'535u}) {
        lines.push_back(std::string(length, 'x') + std::to_string(length));
        log += record(1, lines.back());
    }
    write_file(folder("web") + "/current", log);
    std::string expected;
    for (std::size_t n = 1; n <= lines.size(); ++n) {
        expected = lines[lines.size() - n] + "\n" + expected;
        EXPECT_EQ(ctl({"logs", "-n", std::to_string(n), "web"}).out, expected) << n;
    }
}

TEST_F(LogsTest, PartsAreJoinedStreamByStream) {
    write_file(folder("web") + "/@1.log", record(1, "a", "P") + record(1, "x", "P", "stderr"));
    write_file(folder("web") + "/current", record(2, "b", "P") + record(3, "y", "F", "stderr") +
                                               record(4, "c") + record(5, "", "P") + record(5, ""));
    EXPECT_EQ(ctl({"logs", "web"}).out, "xy\nabc\n\n");
    EXPECT_EQ(ctl({"logs", "web", "-n", "3"}).out, "xy\nabc\n\n");
    EXPECT_EQ(ctl({"logs", "web", "-n", "2"}).out, "abc\n\n");
    EXPECT_EQ(ctl({"logs", "web", "-n", "1"}).out, "\n");
}

TEST_F(LogsTest, LastLineKeepsItsFirstPartsBehindAnotherStreamsLine) {
    write_file(folder("web") + "/current", record(1, "old") + record(2, "a", "P") +
                                               record(3, "err", "F", "stderr") + record(4, "b"));
    EXPECT_EQ(ctl({"logs", "web", "-n", "1"}).out, "ab\n");
    EXPECT_EQ(ctl({"logs", "web", "-n", "2"}).out, "err\nab\n");
}

TEST_F(LogsTest, RecordWithoutItsNewlineIsNotThereYet) {
    std::string torn = record(3, "torn");
    torn.pop_back();
    write_file(folder("web") + "/current", records(1, 2) + torn);
    EXPECT_EQ(ctl({"logs", "web"}).out, printed(1, 2));
    EXPECT_EQ(ctl({"logs", "web", "-n", "1"}).out, printed(2, 2));
}

TEST_F(LogsTest, LinesInNoKnownFormatArePrintedAsTheyAre) {
    write_file(folder("web") + "/current", "hello\n" + records(1, 1) + "\n");
    EXPECT_EQ(ctl({"logs", "web"}).out, "hello\nline 1\n\n");
    EXPECT_EQ(ctl({"logs", "web", "-n", "2"}).out, "line 1\n\n");
}

TEST_F(LogsTest, BytesAreLeftAloneWhenNoTerminalReadsThem) {
    write_file(folder("web") + "/current", record(1, std::string("\x1b[2J\xff\0z", 7)));
    EXPECT_EQ(ctl({"logs", "web"}).out, std::string("\x1b[2J\xff\0z\n", 8));
}

TEST_F(LogsTest, OfSeveralServicesAreMergedByTime) {
    write_file(folder("web") + "/current", record(1, "w1") + record(4, "w4"));
    write_file(folder("db") + "/current", record(2, "d2") + record(3, "d3") + record(5, "d5"));
    const std::string all = "web | w1\ndb  | d2\ndb  | d3\nweb | w4\ndb  | d5\n";
    EXPECT_EQ(ctl({"logs", "web", "db"}).out, all);
    EXPECT_EQ(ctl({"logs"}).out, all);
    EXPECT_EQ(ctl({"logs", "*"}).out, all);
    EXPECT_EQ(ctl({"logs", "-n", "2"}).out, "web | w4\ndb  | d5\n");
}

TEST_F(LogsTest, AsJsonAreOneDocumentALine) {
    write_file(folder("web") + "/current", record(1, "say \"hi\"\xff", "F", "stderr") + "odd\n");
    EXPECT_EQ(ctl({"--json", "logs", "web"}).out,
              R"({"time":"2026-11-21T00:00:01.000000000Z","service":"web","stream":"stderr",)"
              R"("line":"say \"hi\"\ufffd"})"
              "\n"
              R"({"time":null,"service":"web","stream":null,"line":"odd"})"
              "\n");
}

TEST_F(LogsTest, OfAnUnknownServiceExitWith4AndTheNearest) {
    write_rotated();
    const Ran ran = ctl({"logs", "wbe"});
    EXPECT_EQ(ran.exit, 4);
    EXPECT_EQ(ran.err, "reevectl: no supervisor answers; there is no log of wbe in " +
                           (dir_ / "log") + "; did you mean web?\n");
    EXPECT_EQ(ctl({"logs", "../log/web"}).exit, 4);
    EXPECT_EQ(ctl({"logs", ""}).exit, 4);
}

TEST_F(LogsTest, AreFoundWhereTheSupervisorSaysAndForWhomItSelects) {
    welcome_.log_dir = dir_ / "elsewhere";
    write_file(dir_ / "elsewhere/web@1/current", records(1, 1));
    write_file(dir_ / "elsewhere/db/current", records(2, 2));
    serve_status({{}, {service("web@1", State::Running)}});
    EXPECT_EQ(ctl({"logs", "@shop"}).out, printed(1, 1));
    EXPECT_EQ(std::get<protocol::StatusQuery>(supervisor_->requests()[1].call).names,
              std::vector<std::string>{"@shop"});
}

TEST_F(LogsTest, OfAServiceThatIsNoLongerConfiguredAreStillShown) {
    write_rotated();
    serve([](const protocol::Request& request) {
        return std::vector{
            protocol::encode_error(request.id, protocol::no_such_service("web", {}))};
    });
    EXPECT_EQ(ctl({"logs", "web", "-n", "1"}).out, printed(300, 300));
    EXPECT_EQ(ctl({"logs", "other"}).exit, 4);
}

TEST_F(LogsTest, OfAServiceThatNeverWroteSaySoAndSucceed) {
    std::filesystem::create_directories(dir_ / "log");
    serve_status({{}, {service("web", State::Running)}});
    const Ran ran = ctl({"logs", "web"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, HasSubstr("web has no log in " + (dir_ / "log")));
}

TEST_F(LogsTest, WithoutAnyExitWith6AndSayWhatIsMissing) {
    const Ran ran = ctl({"logs"});
    EXPECT_EQ(ran.exit, 6);
    EXPECT_THAT(ran.err, HasSubstr("no supervisor answers"));
}

TEST_F(LogsTest, LastLinesOfALargeLogReadOnlyItsEnd) {
    // A hole of 1 TiB: whoever reads it all does not come back.
    const std::string path = folder("web") + "/current";
    write_file(path, "");
    ASSERT_EQ(truncate(path.c_str(), off_t{1} << 40), 0);
    append_to(path, "\n" + records(1, 20));
    EXPECT_EQ(ctl({"logs", "web", "-n", "10"}).out, printed(11, 20));
}

class ServiceLogTest : public testing::Test {
  protected:
    bool open(std::optional<std::uint64_t> lines) {
        LogQuery query;
        query.lines = lines;
        return log_.open(query).value();
    }
    std::string catch_up() {
        std::string text;
        const auto caught_up =
            log_.catch_up([&](const LogLine& line) { text += line.text + "\n"; });
        EXPECT_TRUE(caught_up);
        return text;
    }
    void rotate(const std::string& stamp) {
        std::filesystem::rename(current_, dir_ / ("web/@" + stamp + ".log"));
    }

    TempDir dir_;
    std::string current_ = dir_ / "web/current";
    ServiceLog log_{dir_ / "web"};
};

TEST_F(ServiceLogTest, FollowsThroughRotationLineByLine) {
    write_file(current_, records(1, 5));
    ASSERT_TRUE(open(2));
    EXPECT_EQ(log_.next().value()->text, "line 4");
    EXPECT_EQ(log_.next().value()->text, "line 5");
    EXPECT_FALSE(log_.next().value());
    EXPECT_EQ(catch_up(), "");
    append_to(current_, records(6, 7));
    EXPECT_EQ(catch_up(), printed(6, 7));
    append_to(current_, records(8, 8));
    rotate("1");
    EXPECT_EQ(catch_up(), printed(8, 8)) << "the renamed file is read to its end";
    EXPECT_EQ(catch_up(), "");
    write_file(current_, records(9, 9));
    EXPECT_EQ(catch_up(), printed(9, 9));
}

TEST_F(ServiceLogTest, FollowsThroughFilesThatAreCompressedBehindIt) {
    write_file(current_, records(1, 5));
    ASSERT_TRUE(open(0));
    EXPECT_FALSE(log_.next().value());
    EXPECT_EQ(catch_up(), "");
    // Ours got another name, was compressed and deleted; so was the next one.
    append_to(current_, records(6, 7));
    rotate("1");
    compress_file(dir_ / "web/@1.log");
    write_file(current_, records(8, 9));
    rotate("2");
    compress_file(dir_ / "web/@2.log");
    write_file(current_, records(10, 10));
    EXPECT_EQ(catch_up(), printed(6, 10));
    // Both forms of it are there for a moment.
    rotate("3");
    write_file(dir_ / "web/@3.log.zst", seekable(records(10, 10)));
    write_file(current_, records(11, 11));
    EXPECT_EQ(catch_up(), printed(11, 11));
}

TEST_F(ServiceLogTest, KnowsItsFileThatWasCompressedWhileTheFolderWasListed) {
    write_file(current_, records(1, 5));
    ASSERT_TRUE(open(0));
    EXPECT_FALSE(log_.next().value());
    EXPECT_EQ(catch_up(), "");
    rotate("1");
    compress_file(dir_ / "web/@1.log");
    // The name is in the list, and what it stood for is gone.
    std::filesystem::create_symlink("nowhere", dir_ / "web/@1.log");
    write_file(current_, records(6, 6));
    EXPECT_EQ(catch_up(), printed(6, 6));
}

TEST_F(ServiceLogTest, ReadsOnWhereAFileWasCompressedAfterItWasListed) {
    write_file(dir_ / "web/@1.log", records(1, 20));
    write_file(dir_ / "web/@2.log", records(21, 40));
    write_file(dir_ / "web/@3.log", records(41, 60));
    write_file(current_, records(61, 61));
    ASSERT_TRUE(open(30));
    compress_file(dir_ / "web/@2.log");
    std::string text;
    for (int i = 0; i < 10; ++i) text += log_.next().value()->text + "\n";
    compress_file(dir_ / "web/@3.log");
    while (const auto line = log_.next().value()) text += line->text + "\n";
    EXPECT_EQ(text, printed(32, 61));
}

TEST_F(ServiceLogTest, MissesNothingOfFilesThatCameAndWentInBetween) {
    write_file(current_, records(1, 1));
    ASSERT_TRUE(open(std::nullopt));
    ASSERT_TRUE(log_.next().value());
    append_to(current_, records(2, 2));
    for (int i = 3; i < 6; ++i) {
        rotate(std::to_string(i));
        write_file(current_, records(i, i));
    }
    EXPECT_EQ(catch_up(), printed(2, 5));
    append_to(current_, records(6, 6));
    rotate("7");
    std::filesystem::remove(dir_ / "web/@7.log");  // max_files: 0
    write_file(current_, records(7, 7));
    EXPECT_EQ(catch_up(), printed(6, 7)) << "an open file can be read after it was deleted";
}

TEST_F(ServiceLogTest, JoinsALineWhosePartsComeOneByOne) {
    write_file(current_, record(1, "a", "P"));
    ASSERT_TRUE(open(std::nullopt));
    EXPECT_FALSE(log_.next().value());
    append_to(current_, record(2, "b", "P") + "2026-11-21T00:00:03Z stdout F c");
    EXPECT_EQ(catch_up(), "");
    append_to(current_, "d\n");
    EXPECT_EQ(catch_up(), "abcd\n");
}

TEST_F(ServiceLogTest, BeginsWhenTheFirstFileComes) {
    ASSERT_FALSE(open(10));
    EXPECT_EQ(catch_up(), "");
    std::filesystem::create_directories(dir_ / "web");
    EXPECT_EQ(catch_up(), "");
    write_file(current_, records(1, 2));
    EXPECT_EQ(catch_up(), printed(1, 2));
    EXPECT_EQ(catch_up(), "");
}

TEST_F(ServiceLogTest, GoesOnFromTheLastRotatedFileWhileThereIsNoCurrent) {
    write_file(dir_ / "web/@1.log", records(1, 2));
    ASSERT_TRUE(open(1));
    EXPECT_EQ(log_.next().value()->text, "line 2");
    EXPECT_FALSE(log_.next().value());
    EXPECT_EQ(catch_up(), "");
    write_file(current_, records(3, 3));
    EXPECT_EQ(catch_up(), printed(3, 3));
}

TEST_F(ServiceLogTest, BeginsAnewWhenTheFileIsEmptied) {
    write_file(current_, records(1, 5));
    ASSERT_TRUE(open(0));
    EXPECT_FALSE(log_.next().value());
    EXPECT_EQ(catch_up(), "");
    std::filesystem::resize_file(current_, 0);
    append_to(current_, records(6, 6));
    EXPECT_EQ(catch_up(), printed(6, 6));
}

TEST_F(ServiceLogTest, DoublesNothingWhenTheLastBatchIsWrittenAgain) {
    write_file(current_, records(1, 5));
    ASSERT_TRUE(open(0));
    EXPECT_FALSE(log_.next().value());
    EXPECT_EQ(catch_up(), "");
    std::filesystem::resize_file(current_, records(1, 3).size());
    EXPECT_EQ(catch_up(), "");
    append_to(current_, records(4, 6));
    EXPECT_EQ(catch_up(), printed(6, 6));
}

}  // namespace
}  // namespace reeve::ctl
