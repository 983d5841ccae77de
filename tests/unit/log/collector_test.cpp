#include "supervisor/log/collector.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <thread>

#include "supervisor/log/spool.h"
#include "tests/unit/log/collector_fixture.h"
#include "tests/unit/log/feeder.h"

namespace reeve::log {
namespace {

using Records = std::vector<std::string>;

std::string available(const Fd& fd) {
    std::string all;
    for (pollfd asked{fd.get(), POLLIN, 0}; ::poll(&asked, 1, 0) > 0;) {
        char part[65536];
        const ssize_t n = ::read(fd.get(), part, sizeof part);
        if (n <= 0) break;
        all.append(part, static_cast<std::size_t>(n));
    }
    return all;
}

TEST_F(CollectorTest, WritesWhatAServiceSaysToItsFile) {
    start();
    const auto ends = open("web");
    put(ends.out.get(), "hello\nand more\n");
    drain("web");
    put(ends.err.get(), "oh\n");
    drain("web");
    EXPECT_EQ(records("web"), (Records{"stdout F hello", "stdout F and more", "stderr F oh"}));
}

TEST_F(CollectorTest, MakesNoFileBeforeTheFirstLine) {
    start();
    const auto ends = open("web");
    drain("web");
    EXPECT_TRUE(std::filesystem::is_empty(logs));
}

TEST_F(CollectorTest, WritesWithoutBeingAskedToDrain) {
    start();
    const auto ends = open("web", {.to_console = true});
    put(ends.out.get(), "a line\n");
    pollfd asked{console_out.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&asked, 1, 10000), 1);
    EXPECT_EQ(available(console_out), "web | a line\n");
    put(ends.out.get(), "another\n");
    ASSERT_EQ(::poll(&asked, 1, 10000), 1);
    EXPECT_EQ(available(console_out), "web | another\n");
}

TEST_F(CollectorTest, NoticesANewWriterAfterAllOthersHaveGone) {
    start();
    for (int i = 0; i < 30; ++i) {
        {
            const auto ends = open("web", {.to_console = true});
            put(ends.out.get(), "instance " + std::to_string(i) + "\n");
            pollfd asked{console_out.get(), POLLIN, 0};
            ASSERT_EQ(::poll(&asked, 1, 10000), 1) << i;
            EXPECT_EQ(available(console_out), "web | instance " + std::to_string(i) + "\n");
        }
        // Enough for the thread to see that nobody is left; how often it does decides nothing.
        for (int j = 0; j < i; ++j) drain("web");
    }
}

TEST_F(CollectorTest, AnUnfinishedLineIsEndedByTheDrainAlone) {
    start();
    const auto ends = open("web");
    put(ends.out.get(), "one\nno new");
    put(ends.err.get(), "x\n");
    drain("web");
    EXPECT_EQ(joined(current("web"), "stdout"), (Records{"one", "no new"}));
    put(ends.out.get(), "half");
    put(ends.err.get(), "marker\n");
    put(ends.out.get(), " and half\n");
    drain("web");
    EXPECT_EQ(joined(current("web"), "stdout"), (Records{"one", "no new", "half and half"}));
}

TEST_F(CollectorTest, ADrainOfAnUnknownServiceIsDone) {
    start();
    drain("nobody");
}

TEST_F(CollectorTest, KeepsUpWithAWriterOfAMillionBytes) {
    start();
    const auto ends = open("web", {.max_size = 1u << 30});
    std::thread writer([&] {
        std::string text;
        for (unsigned n = 0; n < 20000; ++n) text += numbered_line(n, 3) + "\n";
        put(ends.out.get(), text);
    });
    writer.join();
    drain("web");
    const auto lines = joined(current("web"), "stdout");
    EXPECT_EQ(lines.size(), 20000u);
    EXPECT_EQ(first_wrong(lines, 3), lines.size());
}

TEST_F(CollectorTest, CutsLongLinesIntoParts) {
    start();
    const auto ends = open("web", {.max_line = 4});
    put(ends.out.get(), "abcdefghij\nabcd\n");
    drain("web");
    EXPECT_EQ(records("web"),
              (Records{"stdout P abcd", "stdout P efgh", "stdout F ij", "stdout F abcd"}));
}

TEST_F(CollectorTest, ALimitBeyondWhatItCanHoldStillEndsLines) {
    start();
    const auto ends = open("web", {.max_size = 1u << 30, .max_line = 1u << 30});
    const std::string line(300000, 'x');
    std::thread writer([&] { put(ends.out.get(), line + "\nshort\n"); });
    writer.join();
    drain("web");
    const auto lines = joined(current("web"), "stdout");
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_TRUE(lines[0] == line);
    EXPECT_EQ(lines[1], "short");
}

TEST_F(CollectorTest, GoesOnInTheFileOfAnEarlierRun) {
    for (const char* line : {"first\n", "second\n"}) {
        start();
        put(open("web").out.get(), line);
        drain("web");
    }
    EXPECT_EQ(records("web"), (Records{"stdout F first", "stdout F second"}));
}

TEST_F(CollectorTest, ServesTheNextInstanceOfAServiceThroughTheSamePipes) {
    start();
    for (int i = 0; i < 5; ++i) {
        const auto ends = open("web");
        put(ends.out.get(), std::to_string(i) + "\n");
        drain("web");
    }
    EXPECT_EQ(joined(current("web"), "stdout"), (Records{"0", "1", "2", "3", "4"}));
}

TEST_F(CollectorTest, ChangesSettingsLive) {
    start();
    const auto ends = open("web");
    put(ends.out.get(), "to the file\n");
    drain("web");
    collector->configure("web", {.to_file = false, .to_console = true});
    put(ends.out.get(), "to the console\n");
    drain("web");
    collector->configure("web", {.max_line = 3});
    put(ends.out.get(), "abcde\n");
    drain("web");
    EXPECT_EQ(records("web"), (Records{"stdout F to the file", "stdout P abc", "stdout F de"}));
    EXPECT_EQ(available(console_out), "web | to the console\n");
}

TEST_F(CollectorTest, WritesToFileAndConsole) {
    start();
    const auto ends = open("web", {.to_console = true});
    std::string text, console;
    for (unsigned n = 0; n < 60000; ++n) {
        text += "line " + std::to_string(n) + "\n";
        console += "web | line " + std::to_string(n) + "\n";
    }
    std::thread writer([&] { put(ends.out.get(), text + "unfinished"); });
    std::string seen;
    const auto begun = std::chrono::steady_clock::now();
    while (seen.size() < console.size()) {
        // Each time the console is full, or nearly, before it is emptied.
        const std::size_t wanted = std::min<std::size_t>(console.size() - seen.size(), 50000);
        for (int n = 0; static_cast<std::size_t>(n) < wanted; ::sched_yield()) {
            ASSERT_EQ(::ioctl(console_out.get(), FIONREAD, &n), 0);
        }
        seen += available(console_out);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 8s) << "it goes on when there is room";
    writer.join();
    drain("web");
    EXPECT_TRUE(seen + available(console_out) == console + "web | unfinished\n");
    EXPECT_EQ(records("web").size(), 60001u);
    EXPECT_EQ(records("web").back(), "stdout F unfinished");
}

TEST_F(CollectorTest, AStuckConsoleStopsNothing) {
    start();
    const auto ends = open("web", {.to_console = true});
    const auto other = open("other");
    std::string text;
    for (unsigned n = 0; n < 20000; ++n) text += "line " + std::to_string(n) + "\n";
    std::thread writer([&] { put(ends.out.get(), text); });
    put(other.out.get(), "not held up\n");
    drain("other");
    EXPECT_EQ(records("other"), Records{"stdout F not held up"});
    writer.join();
    drain("web");
    EXPECT_EQ(records("web").size(), 20000u);
    available(console_out);
    put(ends.out.get(), "again\n");
    drain("web");
    const auto lines = lines_of(available(console_out));
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_TRUE(lines[0].ends_with("lines dropped: the console did not take them")) << lines[0];
    EXPECT_EQ(lines[1], "web | again");
}

TEST_F(CollectorTest, WithoutALogDirectoryFilesBecomeTheConsole) {
    logs.clear();
    start();
    put(open("web").out.get(), "line\n");
    drain("web");
    EXPECT_EQ(available(console_out), "web | line\n");
}

TEST_F(CollectorTest, NeedsNoRuntimeDirectory) {
    runtime.clear();
    start();
    for (int i = 0; i < 3; ++i) put(open("web").out.get(), "line\n");
    drain("web");
    EXPECT_EQ(records("web").size(), 3u);
}

TEST_F(CollectorTest, OpensFilesAnewWhenAsked) {
    start();
    const auto ends = open("web");
    put(ends.out.get(), "old\n");
    drain("web");
    std::filesystem::rename(logs + "/web/current", logs + "/web/moved");
    collector->reopen();
    put(ends.out.get(), "new\n");
    drain("web");
    EXPECT_EQ(records("web"), Records{"stdout F new"});
    EXPECT_EQ(records_of(read_file(logs + "/web/moved")), Records{"stdout F old"});
}

TEST_F(CollectorTest, RemovingAServiceRemovesItsPipes) {
    start();
    auto ends = open("web");
    put(ends.out.get(), "one\n");
    drain("web");
    collector->remove("web");
    EXPECT_TRUE(std::filesystem::is_empty(runtime + "/fifo"));
    ends = open("web");
    put(ends.out.get(), "two\n");
    drain("web");
    EXPECT_EQ(records("web"), (Records{"stdout F one", "stdout F two"}));
}

TEST_F(CollectorTest, RefusesNamesThatAreTooLongOrNone) {
    start();
    for (const std::string& name : {std::string(161, 'x'), std::string(), std::string("a/b")}) {
        EXPECT_FALSE(collector->open(name, {}, ::geteuid(), ::getegid())) << name;
    }
}

TEST_F(CollectorTest, ServesAThousandServicesWithFewFilesOpen) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 5000) GTEST_SKIP() << "needs 5000 descriptors";
    start();
    std::vector<Collector::Ends> ends;
    for (int i = 0; i < 1000; ++i) ends.push_back(open("s" + std::to_string(i)));
    for (int round = 0; round < 2; ++round) {
        for (const auto& end : ends) put(end.out.get(), "a line\n");
    }
    for (int i = 0; i < 1000; ++i) drain("s" + std::to_string(i));
    std::size_t descriptors = 0;
    for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) {
        ++descriptors;
    }
    EXPECT_LT(descriptors, 4000u + 256u + 50u);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(records("s" + std::to_string(i)),
                  (Records{"stdout F a line", "stdout F a line"}));
    }
}

TEST_F(CollectorTest, MoreUnfinishedLinesThanItCanHoldAreStillPutTogether) {
    start();
    std::vector<Collector::Ends> ends;
    const int count = kMaxSlots + 50;
    for (int i = 0; i < count; ++i) ends.push_back(open("s" + std::to_string(i)));
    const auto said = [&](const char* text) {
        for (const auto& end : ends) put(end.out.get(), text);
        // A line on the other stream, seen in the file: it was read after the first one's words.
        for (const auto& end : ends) put(end.err.get(), "x\n");
        while (joined(current("s" + std::to_string(count - 1)), "stderr").empty()) ::sched_yield();
    };
    said("half");
    said(" and half");
    for (const auto& end : ends) put(end.out.get(), "\nwhole\nlast");
    for (int i = 0; i < count; ++i) drain("s" + std::to_string(i));
    for (int i = 0; i < count; ++i) {
        EXPECT_EQ(joined(current("s" + std::to_string(i)), "stdout"),
                  (Records{"half and half", "whole", "last"}));
    }
    EXPECT_EQ(problem_count(), 0u);
}

TEST_F(CollectorTest, AnIdleThreadSleepsEvenWhenTheWritersAreGone) {
    start();
    for (const char* name : {"a", "b"}) {
        put(open(name).out.get(), "x\n");
        drain(name);
    }
    timespec before{}, after{};
    // Time itself is what is tested here: nothing is to happen while it passes.
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    ::poll(nullptr, 0, 200);
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    const auto ns = [](const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; };
    EXPECT_LT(ns(after) - ns(before), 20'000'000);
}

}  // namespace
}  // namespace reeve::log
