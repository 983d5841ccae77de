#include <sys/ioctl.h>

#include <chrono>
#include <thread>

#include "supervisor/log/sink.h"
#include "supervisor/log/spool.h"
#include "tests/unit/log/collector_fixture.h"
#include "tests/unit/log/syslog_daemon.h"

namespace reeve::log {
namespace {

using Records = std::vector<std::string>;
using std::chrono::steady_clock;

std::string available(const Fd& fd) {
    std::string all, part(1 << 16, '\0');
    int n = 0;
    while (::ioctl(fd.get(), FIONREAD, &n) == 0 && n > 0) {
        const ssize_t got = ::read(fd.get(), part.data(), part.size());
        if (got <= 0) break;
        all.append(part, 0, static_cast<std::size_t>(got));
    }
    return all;
}

std::string numbered(int count) {
    std::string text;
    for (int n = 0; n < count; ++n) text += "line " + std::to_string(n) + "\n";
    return text;
}

TEST_F(CollectorTest, WritesToSyslog) {
    const SyslogDaemon daemon(syslog);
    start();
    const auto ends = open("web", {.to_file = false, .to_syslog = true});
    put(ends.out.get(), "one\n");
    put(ends.err.get(), "two\nunfinished");
    drain("web");
    auto messages = said(daemon.messages());
    std::sort(messages.begin(), messages.end());
    EXPECT_EQ(messages, (Records{"web: one", "web: two", "web: unfinished"}));
    EXPECT_FALSE(std::filesystem::exists(logs + "/web"));
}

TEST_F(CollectorTest, EachOfFileConsoleAndSyslogGetsEveryLineOnceAndInOrder) {
    constexpr int kCount = 20000;
    const SyslogDaemon daemon(syslog);
    start();
    const auto ends = open("web", {.to_console = true, .to_syslog = true});
    std::thread writer([&] { put(ends.out.get(), numbered(kCount)); });
    std::string on_console;
    Records in_syslog;
    const std::string last = "line " + std::to_string(kCount - 1);
    while (in_syslog.empty() || in_syslog.back() != "web: " + last) {
        for (std::string& text : said(daemon.wait())) in_syslog.push_back(std::move(text));
        on_console += available(console_out);
    }
    writer.join();
    drain("web");
    on_console += available(console_out);
    const auto console_lines = lines_of(on_console);
    const auto file_lines = records("web");
    ASSERT_EQ(in_syslog.size(), std::size_t{kCount});
    ASSERT_EQ(console_lines.size(), std::size_t{kCount});
    ASSERT_EQ(file_lines.size(), std::size_t{kCount});
    for (std::size_t i = 0; i < std::size_t{kCount}; ++i) {
        const std::string line = "line " + std::to_string(i);
        ASSERT_EQ(in_syslog[i], "web: " + line);
        ASSERT_EQ(console_lines[i], "web | " + line);
        ASSERT_EQ(file_lines[i], "stdout F " + line);
    }
}

TEST_F(CollectorTest, AStuckSyslogHoldsUpNeitherTheFileForLongNorOthersAtAll) {
    const SyslogDaemon daemon(syslog);
    start();
    const auto ends = open("web", {.to_syslog = true});
    const auto other = open("other");
    const auto begun = steady_clock::now();
    std::thread writer([&] { put(ends.out.get(), numbered(20000)); });
    // It is stuck once its queue is full; what others write goes on at once.
    int queued = 0;
    for (int i = 0; i < 100; ++i) {
        put(other.out.get(), "not held up\n");
        drain("other");
    }
    EXPECT_EQ(records("other").size(), 100u);
    writer.join();
    drain("web");
    EXPECT_LT(steady_clock::now() - begun, 8 * Sink::kPatience);
    EXPECT_EQ(records("web").size(), 20000u);
    for (const std::string& text : said(daemon.messages())) {
        EXPECT_EQ(text, "web: line " + std::to_string(queued++));
    }
    put(ends.out.get(), "again\n");
    drain("web");
    EXPECT_EQ(said(daemon.messages()),
              (Records{"reeve: " + std::to_string(20000 - queued) +
                           " lines dropped: the syslog daemon did not take them",
                       "web: again"}));
    EXPECT_EQ(problem_count(), 0u);
}

TEST_F(CollectorTest, WithoutASyslogDaemonTheFileHasAllAndTheFailureIsToldOnce) {
    start();
    const auto ends = open("web", {.to_syslog = true});
    for (int i = 0; i < 3; ++i) {
        put(ends.out.get(), numbered(1000));
        drain("web");
    }
    EXPECT_EQ(records("web").size(), 3000u);
    ASSERT_EQ(problem_count(), 1u);
    EXPECT_TRUE(problems[0].starts_with("cannot connect to " + syslog)) << problems[0];
}

TEST_F(CollectorTest, AStuckConsoleHoldsSyslogUpForItsPatienceAlone) {
    const SyslogDaemon daemon(syslog);
    start();
    const auto ends = open("web", {.to_file = false, .to_console = true, .to_syslog = true});
    std::thread writer([&] { put(ends.out.get(), numbered(20000)); });
    std::size_t count = 0;
    while (count < 20000) {
        for (const std::string& text : said(daemon.wait())) {
            ASSERT_EQ(text, "web: line " + std::to_string(count++));
        }
    }
    writer.join();
    drain("web");
    EXPECT_LT(lines_of(available(console_out)).size(), 20000u);
}

TEST_F(CollectorTest, WhatAnEarlierSupervisorHadForSyslogGoesThere) {
    const SyslogDaemon daemon(syslog);
    {
        auto spool = Spool::open(runtime + "/spool");
        ASSERT_TRUE(spool);
        Slot* slot = spool->acquire({.service = "web",
                                     .source = Source::Err,
                                     .to_file = false,
                                     .max_line = 1000,
                                     .to_syslog = true});
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const Fd reading(ends[0]), writing(ends[1]);
        put(writing.get(), "saved\n");
        ASSERT_TRUE(spool->fill(*slot, reading.get(), 6));
    }
    start();
    EXPECT_EQ(said(daemon.wait()), Records{"web: saved"});
}

}  // namespace
}  // namespace reeve::log
