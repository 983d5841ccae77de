#include "supervisor/log/syslog.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/unit/log/support.h"
#include "tests/unit/log/syslog_daemon.h"

namespace reeve::log {
namespace {

using Texts = std::vector<std::string>;

constexpr Cut kLines{60000, Tail::Keep};

struct SyslogTest : testing::Test {
    /// Offers all of the input; how many bytes were taken.
    std::size_t take_all(std::string_view input, Source source = Source::Out) {
        std::size_t done = 0;
        while (next_record(input.substr(done), kLines)) {
            const auto taken = syslog.take("web", source, input.substr(done), kLines, now);
            if (taken.consumed == 0) break;
            done += taken.consumed;
        }
        return done;
    }
    /// As many lines as a daemon takes that does not read.
    void fill_up() {
        std::string lines;
        for (int i = 0; i < 100000; ++i) lines += "filling\n";
        ASSERT_LT(take_all(lines), lines.size());
    }

    TempDir dir;
    std::string path = dir / "log";
    std::vector<std::string> problems;
    Syslog syslog{path, [this](const std::string& problem) { problems.push_back(problem); }};
    Time now{1h};
};

TEST_F(SyslogTest, SendsEachLineWithPriorityLocalTimeAndTag) {
    ::setenv("TZ", "XXX-5", 1);
    ::tzset();
    const SyslogDaemon daemon(path);
    const auto hour = [] { return (::time(nullptr) / 3600 + 5) % 24; };
    const auto before = hour();
    EXPECT_EQ(take_all("one\n\nthree\nunfini"), 11u);
    const auto after = hour();
    ::unsetenv("TZ");
    ::tzset();
    const Texts messages = daemon.messages();
    ASSERT_EQ(said(messages), (Texts{"web: one", "web: ", "web: three"}));
    tm sent{};
    ASSERT_TRUE(messages[0].starts_with("<30>")) << messages[0];
    const char* rest = ::strptime(messages[0].c_str() + 4, "%b %e %H:%M:%S", &sent);
    ASSERT_NE(rest, nullptr) << messages[0];
    EXPECT_STREQ(rest, " web: one");
    EXPECT_TRUE(sent.tm_hour == before || sent.tm_hour == after) << messages[0];
}

TEST_F(SyslogTest, WhatComesFromStderrIsAnError) {
    const SyslogDaemon daemon(path);
    take_all("bad\n", Source::Err);
    EXPECT_TRUE(daemon.messages().at(0).starts_with("<27>"));
}

TEST_F(SyslogTest, ControlBytesAreMadeHarmless) {
    const SyslogDaemon daemon(path);
    using namespace std::string_view_literals;
    take_all("a\x1b[31m\0b\tc\x7f\xff\n"sv);
    EXPECT_EQ(said(daemon.messages().at(0)), "web: a#033[31m#000b\tc#177\xff");
}

TEST_F(SyslogTest, LongLinesAreSentInPiecesThatKeepCharactersWhole) {
    const SyslogDaemon daemon(path);
    std::string line;
    while (line.size() < 20000) line += "é漢";
    ASSERT_EQ(take_all(line + "\n"), line.size() + 1);
    const Texts messages = daemon.messages();
    ASSERT_EQ(messages.size(), 3u);
    std::string all;
    for (const std::string& message : messages) {
        EXPECT_LE(message.size(), 8192u);
        const std::string text = said(message).substr(5);
        EXPECT_NE(static_cast<unsigned char>(text[0]) & 0xc0, 0x80);
        all += text;
    }
    EXPECT_EQ(all, line);
}

TEST_F(SyslogTest, PiecesAreAsSmallAsTheSocketWantsThem) {
    const SyslogDaemon daemon(path);
    take_all("one\n");
    const int small = 1;
    ::setsockopt(syslog.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    const std::string line(8000, 'x');
    std::size_t done = 0;
    std::string all;
    for (int i = 0; i < 1000 && (done == 0 || !syslog.flush(now)); ++i) {
        if (done == 0) done = take_all(line + "\n");
        for (const std::string& text : said(daemon.messages())) {
            if (text != "web: one") all += text.substr(5);
        }
    }
    for (const std::string& text : said(daemon.messages())) all += text.substr(5);
    EXPECT_EQ(all, line);
}

TEST_F(SyslogTest, AFullSocketTakesNothingAndLosesNothing) {
    const SyslogDaemon daemon(path);
    std::string input;
    Texts expected, seen;
    for (int i = 0; i < 3000; ++i) {
        input += "line " + std::to_string(i) + "\n";
        expected.push_back("web: line " + std::to_string(i));
    }
    std::size_t done = take_all(input);
    ASSERT_LT(done, input.size());
    while (done < input.size()) {
        for (std::string& text : said(daemon.messages())) seen.push_back(std::move(text));
        const std::size_t more = take_all(std::string_view(input).substr(done));
        ASSERT_GT(more, 0u);
        done += more;
    }
    for (std::string& text : said(daemon.messages())) seen.push_back(std::move(text));
    EXPECT_TRUE(seen == expected);
    EXPECT_EQ(problems, Texts{});
}

TEST_F(SyslogTest, AfterGivingUpItDropsAndCountsUntilTheDaemonTakesLinesAgain) {
    const SyslogDaemon daemon(path);
    fill_up();
    syslog.give_up();
    EXPECT_EQ(take_all("a\nb\nc\n"), 6u);
    EXPECT_EQ(said(daemon.messages()).back(), "web: filling");
    take_all("d\n");
    EXPECT_EQ(said(daemon.messages()),
              (Texts{"reeve: 3 lines dropped: the syslog daemon did not take them", "web: d"}));
    take_all("e\n");
    EXPECT_EQ(said(daemon.messages()), Texts{"web: e"});
}

TEST_F(SyslogTest, WithoutADaemonLinesWaitAndThenAreDroppedWhichIsToldOnce) {
    EXPECT_EQ(take_all("one\n"), 0u);
    EXPECT_LT(syslog.fd(), 0);
    now += 1s;
    syslog.give_up();
    EXPECT_EQ(take_all("one\ntwo\n"), 8u);
    now += 1s;
    EXPECT_EQ(take_all("three\n"), 6u);
    EXPECT_EQ(problems, Texts{"cannot connect to " + path +
                              ": No such file or directory; lines for syslog are dropped until "
                              "it can be reached"});
    const SyslogDaemon daemon(path);
    now += 1s;
    take_all("four\n");
    EXPECT_EQ(said(daemon.messages()),
              (Texts{"reeve: 3 lines dropped: the syslog daemon did not take them", "web: four"}));
    EXPECT_EQ(problems.size(), 1u);
}

TEST_F(SyslogTest, ItTriesToConnectOnceASecond) {
    EXPECT_EQ(take_all("one\n"), 0u);
    const SyslogDaemon daemon(path);
    now += 999ms;
    EXPECT_EQ(take_all("one\n"), 0u);
    now += 1ms;
    EXPECT_EQ(take_all("one\n"), 4u);
}

TEST_F(SyslogTest, ADaemonThatWasRestartedGetsTheNextLine) {
    {
        const SyslogDaemon daemon(path);
        take_all("one\n");
    }
    now += 1s;
    const SyslogDaemon daemon(path);
    take_all("two\n");
    EXPECT_EQ(said(daemon.messages()), Texts{"web: two"});
    EXPECT_EQ(problems, Texts{});
}

TEST_F(SyslogTest, ADaemonThatIsBackWhenPatienceEndsLosesNothingAndIsNotReported) {
    {
        const SyslogDaemon daemon(path);
        take_all("one\n");
    }
    EXPECT_EQ(take_all("two\n"), 0u);
    const SyslogDaemon daemon(path);
    now += 1s;
    syslog.give_up();
    EXPECT_EQ(take_all("two\n"), 4u);
    EXPECT_EQ(said(daemon.messages()), Texts{"web: two"});
    EXPECT_EQ(problems, Texts{});
}

TEST_F(SyslogTest, OverAStreamEachMessageEndsWithNul) {
    const SyslogDaemon daemon(path, SOCK_STREAM);
    std::string input;
    for (int i = 0; i < 30000; ++i) input += std::to_string(i) + " is a number\n";
    std::size_t done = take_all(input);
    ASSERT_LT(done, input.size());
    const Fd stream = daemon.accept();
    std::string bytes, part(1 << 16, '\0');
    const auto drain = [&] {
        for (ssize_t n = 0;
             (n = ::recv(stream.get(), part.data(), part.size(), MSG_DONTWAIT)) > 0;) {
            bytes.append(part, 0, static_cast<std::size_t>(n));
        }
    };
    while (done < input.size() || !syslog.flush(now)) {
        drain();
        done += take_all(std::string_view(input).substr(done));
    }
    drain();
    std::string lines;
    for (std::size_t at = 0, end = 0; at < bytes.size(); at = end + 1) {
        end = bytes.find('\0', at);
        ASSERT_NE(end, std::string::npos);
        lines += said(bytes.substr(at, end - at)).substr(5) + "\n";
    }
    EXPECT_TRUE(lines == input);
}

}  // namespace
}  // namespace reeve::log
