#include "supervisor/shell/own_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <random>
#include <regex>
#include <sstream>

#include "config/own_log.h"
#include "tests/unit/log/syslog_daemon.h"

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
    OwnLog::open(settings).value()->warning("careful");
    EXPECT_TRUE(std::regex_match(content(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z )"
                                                       "warning careful\n")))
        << content();
}

TEST_F(OwnLogTest, LetsOnlyWhatIsImportantEnoughThrough) {
    settings.level = config::LogLevel::Warning;
    {
        const auto log = OwnLog::open(settings).value();
        log->debug("one");
        log->info("two");
        log->warning("three");
        log->error("four");
    }
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
    {
        const auto log = OwnLog::open(settings).value();
        std::filesystem::rename(settings.file, folder_ / "old");
        log->info("between");
        while (content(folder_ / "old").find("between") == std::string::npos) ::sched_yield();
        log->reopen();
        log->info("after");
    }
    EXPECT_EQ(content().find("between"), std::string::npos);
    EXPECT_NE(content().find("after"), std::string::npos);
}

TEST_F(OwnLogTest, KeepsItsFileWhenAnotherCannotBeOpened) {
    config::Supervisor::OwnLog other;
    other.file = "/no/such/folder/log";
    {
        const auto log = OwnLog::open(settings).value();
        EXPECT_EQ(log->configure(other).error().errnum, ENOENT);
        log->info("still here");
    }
    EXPECT_NE(content().find("still here"), std::string::npos);
    EXPECT_FALSE(OwnLog::open(other));
}

TEST_F(OwnLogTest, WarningsOfADaemonReachItsCallerToo) {
    testing::internal::CaptureStderr();
    {
        const auto log = OwnLog::open(settings, OwnLog::Echo::Warnings).value();
        log->info("quiet");
        log->warning("loud");
    }
    const std::string echo = testing::internal::GetCapturedStderr();
    EXPECT_EQ(echo.find("quiet"), std::string::npos);
    EXPECT_NE(echo.find("loud"), std::string::npos);
    EXPECT_NE(content().find("quiet"), std::string::npos);
    EXPECT_NE(content().find("loud"), std::string::npos);
}

TEST_F(OwnLogTest, GoesToSyslogWithTheSeverityOfEachMessage) {
    const std::string path = folder_ / "syslog";
    settings.file = config::kSyslog;
    settings.level = config::LogLevel::Debug;
    const log::SyslogDaemon daemon(path);
    const auto log = OwnLog::open(settings, OwnLog::Echo::Nothing, path).value();
    testing::internal::CaptureStderr();
    log->debug("one");
    log->info("two\nlines");
    log->warning("three");
    log->error("four");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    const auto messages = daemon.messages();
    ASSERT_EQ(log::said(messages), (std::vector<std::string>{"reeved: one", "reeved: two#012lines",
                                                             "reeved: three", "reeved: four"}));
    for (std::size_t i = 0; i < messages.size(); ++i) {
        constexpr std::array kPriorities{"<31>", "<30>", "<28>", "<27>"};
        EXPECT_TRUE(messages[i].starts_with(kPriorities.at(i))) << messages[i];
    }
}

TEST_F(OwnLogTest, InSyslogJsonIsTheText) {
    const std::string path = folder_ / "syslog";
    settings.file = config::kSyslog;
    settings.format = config::LogFormat::Json;
    const log::SyslogDaemon daemon(path);
    OwnLog::open(settings, OwnLog::Echo::Nothing, path).value()->warning("careful");
    const std::string text = log::said(daemon.messages().at(0));
    ASSERT_TRUE(text.starts_with("reeved: ")) << text;
    const auto parsed = boost::json::parse(text.substr(8));
    EXPECT_EQ(parsed.at("level"), "warning");
    EXPECT_EQ(parsed.at("message"), "careful");
}

TEST_F(OwnLogTest, WhatSyslogDoesNotTakeGoesToStderr) {
    settings.file = config::kSyslog;
    const std::string path = folder_ / "syslog";
    testing::internal::CaptureStderr();
    const auto log = OwnLog::open(settings, OwnLog::Echo::Nothing, path).value();
    log->info("nobody there");
    EXPECT_TRUE(testing::internal::GetCapturedStderr().ends_with(" info    nobody there\n"));
}

/// What is said to a terminal that is stderr meanwhile.
std::string said_to_terminal(const config::Supervisor::OwnLog& settings) {
    const Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    char name[64];
    if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
        ::ptsname_r(master.get(), name, sizeof name) != 0) {
        return {};
    }
    const Fd terminal(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    const Fd before(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
    ::dup2(terminal.get(), STDERR_FILENO);
    OwnLog::open(settings).value()->warning("careful");
    ::dup2(before.get(), STDERR_FILENO);
    char text[4096];
    const ssize_t n = ::read(master.get(), text, sizeof text);
    return {text, static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
}

TEST_F(OwnLogTest, OnATerminalTheLevelHasAColourUnlessTheUserWantsNone) {
    settings.file.clear();
    ::unsetenv("NO_COLOR");
    const std::string coloured = said_to_terminal(settings);
    if (coloured.empty()) GTEST_SKIP() << "no pseudo terminals here";
    EXPECT_TRUE(coloured.ends_with("Z \033[33mwarning\033[0m careful\r\n")) << coloured;
    ::setenv("NO_COLOR", "1", 1);
    const std::string plain = said_to_terminal(settings);
    ::unsetenv("NO_COLOR");
    EXPECT_TRUE(plain.ends_with("Z warning careful\r\n")) << plain;
    EXPECT_EQ(plain.find('\033'), std::string::npos);
}

}  // namespace
}  // namespace reeve::shell
