// What happens to lines when the supervisor ends, or is killed, while services go on.
#include <gtest/gtest.h>

#include "supervisor/log/ledger.h"
#include "supervisor/log/spool.h"
#include "tests/unit/log/collector_fixture.h"
#include "tests/unit/log/feeder.h"

namespace reeve::log {
namespace {

using Records = std::vector<std::string>;

TEST_F(CollectorTest, ItsEndWritesWhatIsInThePipes) {
    start();
    const auto ends = open("web");
    put(ends.out.get(), "one\ntwo");
    collector.reset();
    EXPECT_EQ(records("web"), (Records{"stdout F one", "stdout F two"}));
    EXPECT_FALSE(std::filesystem::exists(runtime + "/spool"));
}

TEST_F(CollectorTest, LinesWrittenWhileNobodyReadsWaitForTheNext) {
    start();
    const auto ends = open("web");
    put(ends.out.get(), "before\n");
    collector.reset();
    put(ends.out.get(), "between\n");
    start();
    const auto adopted = collector->adopt("web", {});
    ASSERT_TRUE(adopted && *adopted);
    put(ends.out.get(), "after\n");
    drain("web");
    EXPECT_EQ(joined(current("web"), "stdout"), (Records{"before", "between", "after"}));
    const auto nobody = collector->adopt("nobody", {});
    EXPECT_TRUE(nobody && !*nobody);
}

TEST_F(CollectorTest, ANewInstanceAlsoBringsTheLinesOfTheLast) {
    start();
    {
        const auto ends = open("web");
        put(ends.out.get(), "x\n");
        collector.reset();
        put(ends.out.get(), "its last words\n");
        start();
        put(open("web").out.get(), "the next one\n");
    }
    drain("web");
    EXPECT_EQ(joined(current("web"), "stdout"), (Records{"x", "its last words", "the next one"}));
}

/// Leaves a spool as a process would that was killed amid a batch, with an unfinished line behind.
void leave_a_batch(const std::string& path, const FileMark& mark) {
    auto spool = Spool::open(path);
    Slot* slot = spool->acquire({"web", Source::Out, true, false, 100});
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    const Fd reading(ends[0]), writing(ends[1]);
    put(writing.get(), "batch\nmore of it\nunfini");
    ASSERT_TRUE(spool->fill(*slot, reading.get(), 23));
    slot->arm(mark);
}

TEST_F(CollectorTest, ABatchThatAKillCutOffIsWrittenOnce) {
    std::filesystem::create_directories(logs + "/web");
    const std::string old = "2000-01-01T00:00:00.000000000Z stdout F old\n";
    write_file(logs + "/web/current", old + "2000-01-01T00:00:01.000000000Z stdout F bat");
    struct stat st {};
    ASSERT_EQ(::stat((logs + "/web/current").c_str(), &st), 0);
    leave_a_batch(runtime + "/spool", {st.st_dev, st.st_ino, old.size()});
    start();
    const auto ends = open("web");
    put(ends.out.get(), "shed\n");
    drain("web");
    EXPECT_EQ(records("web"), (Records{"stdout F old", "stdout F batch", "stdout F more of it",
                                       "stdout F unfinished"}));
}

TEST_F(CollectorTest, WhatNobodyComesForIsWrittenToo) {
    leave_a_batch(runtime + "/spool", {});
    start();
    collector.reset();
    EXPECT_EQ(records("web"),
              (Records{"stdout F batch", "stdout F more of it", "stdout F unfini"}));
}

/// Leaves what a process would that was killed as it threw away what was behind an unfinished line.
void leave_a_severed_line(const std::string& path) {
    auto spool = Spool::open(path);
    Slot* slot = spool->acquire({"web", Source::Out, true, false, 100});
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    const Fd reading(ends[0]), writing(ends[1]);
    put(writing.get(), "whole\nunfini");
    ASSERT_TRUE(spool->fill(*slot, reading.get(), 12));
    Ledger::Entry& books = spool->ledger().make("web");
    books.set_reason("a reason");
    spool->ledger().count(
        {books, {.lost = 2}, Source::Out, {0, Progress::Severed | Progress::SeveredInLine}},
        nullptr, 0);
}

TEST_F(CollectorTest, ALineThatAPredecessorHasSeveredIsJoinedToNoOther) {
    leave_a_severed_line(runtime + "/spool");
    start();
    const auto ends = open("web");
    put(ends.out.get(), "shed\nanother\n");
    drain("web");
    EXPECT_EQ(joined(current("web"), "stdout"), (Records{"whole", "another"}));
    EXPECT_EQ(collector->trouble("web")->lost, 3u);
    std::uint64_t told = 0;
    for (const std::string& line : joined(current("web"), "stderr")) {
        EXPECT_TRUE(line.ends_with("lost: a reason")) << line;
        told += std::stoul(line.substr(std::string_view("reeve: ").size()));
    }
    EXPECT_EQ(told, 3u);
}

TEST_F(CollectorTest, ADamagedSpoolIsToldAndStopsNothing) {
    leave_a_batch(runtime + "/spool", {});
    std::string bytes(8192, '\xee');
    const Fd fd(::open((runtime + "/spool").c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), 4096), std::ssize(bytes));
    start();
    put(open("web").out.get(), "fine\n");
    drain("web");
    EXPECT_EQ(records("web"), Records{"stdout F fine"});
    EXPECT_EQ(problem_count(), 1u);
}

TEST_F(CollectorTest, WhereNoSpoolCanBeItWorksInMemoryAndSaysSo) {
    std::filesystem::create_directories(runtime + "/spool/in/the/way");
    start();
    put(open("web").out.get(), "fine\n");
    drain("web");
    EXPECT_EQ(records("web"), Records{"stdout F fine"});
    EXPECT_EQ(problem_count(), 1u);
}

TEST_F(CollectorTest, KillsLoseAndDoubleNoLineOfAnyService) {
    const config::Log log{.max_size = 3'000'000, .max_files = 1000, .max_line = 3000};
    auto pipes = Pipes::open(runtime);
    ASSERT_TRUE(pipes);
    auto web = pipes->open("web", ::geteuid(), ::getegid());
    auto db = pipes->open("db", ::geteuid(), ::getegid());
    ASSERT_TRUE(web && db);
    web->reading.reset();
    db->reading.reset();
    Shared& shared = Shared::make();
    const std::vector<const Fd*> fds{&web->child.out, &web->child.err, &db->child.out};
    std::vector<pid_t> feeders;
    for (unsigned i = 0; i < fds.size(); ++i) {
        feeders.push_back(fork_and([&, i] {
            feed(fds[i]->get(), i, shared.stop, shared.written[i]);
            shared.done.fetch_add(1);
        }));
    }
    const int status = kill_often(
        150, std::chrono::microseconds(10000),
        [&] {
            start();
            if (!collector->adopt("web", log) || !collector->adopt("db", log)) ::_exit(9);
            while (shared.done.load() < fds.size()) ::usleep(500);
            drain("web");
            drain("db");
            collector.reset();
            if (problem_count() > 0) ::_exit(10);
        },
        [&] { shared.stop = true; });
    for (const pid_t pid : feeders) ::waitpid(pid, nullptr, 0);
    EXPECT_EQ(status, 0);
    const std::string streams[] = {"stdout", "stderr", "stdout"};
    for (unsigned i = 0; i < fds.size(); ++i) {
        const auto lines = joined(all_files(i < 2 ? "web" : "db"), streams[i]);
        EXPECT_GT(lines.size(), 100u);
        EXPECT_EQ(first_wrong(lines, i), lines.size()) << "stream " << i;
        EXPECT_EQ(lines.size(), shared.written[i].load()) << "stream " << i;
    }
    Shared::free(shared);
}

}  // namespace
}  // namespace reeve::log
