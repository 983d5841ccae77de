#include "supervisor/shell/own_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <random>
#include <regex>
#include <sstream>

namespace reeve::shell {
namespace {

class OwnLogTest : public testing::Test {
  protected:
    OwnLogTest() {
        std::string path = (std::filesystem::temp_directory_path() / "reeve-own-log-XXXXXX");
        if (::mkdtemp(path.data()) == nullptr) std::abort();
        folder_ = path;
        settings.file = folder_ / "log";
    }
    ~OwnLogTest() override { std::filesystem::remove_all(folder_); }

    std::string content(const std::string& path) {
        std::ostringstream all;
        all << std::ifstream(path).rdbuf();
        return all.str();
    }
    std::string content() { return content(settings.file); }
    /// What a message looks like once a reader of JSON has read its line.
    std::string message_in_json(const std::string& message) {
        std::filesystem::remove(settings.file);
        settings.format = config::LogFormat::Json;
        OwnLog::open(settings).value()->error(message);
        const std::string line = content();
        EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
        boost::system::error_code bad;
        const auto parsed = boost::json::parse(line, bad);
        EXPECT_FALSE(bad) << line;
        if (bad) return {};
        EXPECT_EQ(parsed.at("level"), "error");
        return std::string(parsed.at("message").as_string());
    }

    config::Supervisor::OwnLog settings;
    std::filesystem::path folder_;
};

TEST_F(OwnLogTest, WritesLinesForPeople) {
    const auto log = OwnLog::open(settings).value();
    log->warning("careful");
    EXPECT_TRUE(std::regex_match(content(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z )"
                                                       "warning careful\n")))
        << content();
}

TEST_F(OwnLogTest, LetsOnlyWhatIsImportantEnoughThrough) {
    settings.level = config::LogLevel::Warning;
    const auto log = OwnLog::open(settings).value();
    log->debug("one");
    log->info("two");
    log->warning("three");
    log->error("four");
    EXPECT_EQ(content().find("two"), std::string::npos);
    EXPECT_NE(content().find("three"), std::string::npos);
    EXPECT_NE(content().find("four"), std::string::npos);
}

TEST_F(OwnLogTest, MessagesCannotForgeLinesOrSteerATerminal) {
    OwnLog::open(settings).value()->info("a\nb\x1b[2J\x7f\tc");
    EXPECT_TRUE(content().ends_with(" a?b?[2J?\tc\n")) << content();
}

TEST_F(OwnLogTest, JsonKeepsEveryCharacter) {
    const std::string text = "say \"hi\\there\"\n\t\x01\x1f\x7f é 漢 😀";
    EXPECT_EQ(message_in_json(text), text);
    EXPECT_EQ(message_in_json(std::string("nul\0inside", 10)), std::string("nul\0inside", 10));
}

TEST_F(OwnLogTest, JsonHasAReplacementForWhatIsNoUtf8) {
    EXPECT_EQ(message_in_json("a\xff"
                              "b\xc3"),
              "a\uFFFDb\uFFFD");
    EXPECT_EQ(message_in_json("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
    EXPECT_EQ(message_in_json("\xc0\xaf"), "\uFFFD\uFFFD");            // overlong
}

TEST_F(OwnLogTest, JsonIsValidForAnyBytes) {
    std::mt19937 dice(7);
    for (int i = 0; i < 200; ++i) {
        std::string bytes(dice() % 60, '\0');
        for (char& byte : bytes) byte = static_cast<char>(dice());
        message_in_json(bytes);
    }
}

TEST_F(OwnLogTest, GoesOnInANewFileOnceTheOldOneWasMoved) {
    const auto log = OwnLog::open(settings).value();
    log->info("before");
    std::filesystem::rename(settings.file, folder_ / "old");
    log->info("between");
    EXPECT_TRUE(log->reopen());
    log->info("after");
    EXPECT_NE(content(folder_ / "old").find("between"), std::string::npos);
    EXPECT_EQ(content().find("between"), std::string::npos);
    EXPECT_NE(content().find("after"), std::string::npos);
}

TEST_F(OwnLogTest, KeepsItsFileWhenAnotherCannotBeOpened) {
    const auto log = OwnLog::open(settings).value();
    config::Supervisor::OwnLog other;
    other.file = "/no/such/folder/log";
    EXPECT_EQ(log->configure(other).error().errnum, ENOENT);
    log->info("still here");
    EXPECT_NE(content().find("still here"), std::string::npos);
    EXPECT_FALSE(OwnLog::open(other));
}

TEST_F(OwnLogTest, WarningsOfADaemonReachItsCallerToo) {
    const auto log = OwnLog::open(settings, OwnLog::Echo::Warnings).value();
    testing::internal::CaptureStderr();
    log->info("quiet");
    log->warning("loud");
    const std::string echo = testing::internal::GetCapturedStderr();
    EXPECT_EQ(echo.find("quiet"), std::string::npos);
    EXPECT_NE(echo.find("loud"), std::string::npos);
    EXPECT_NE(content().find("quiet"), std::string::npos);
    EXPECT_NE(content().find("loud"), std::string::npos);
}

}  // namespace
}  // namespace reeve::shell
