#include "supervisor/os/process_entry.h"

#include <gtest/gtest.h>

#include <csignal>

#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

const std::string kStat =
    "42 (name) S 7 41 40 0 -1 4194560 0 0 0 0 100 20 3 4 20 0 5 0 12345 1000000 10 "
    "18446744073709551615 1 1 0 0 0 0 0 4096 0 1 0 0 17 0 0 0 0 0 0 21 22 23 24 25 26 27 0\n";

SpawnSpec waiting(const Pipe& input, const Pipe& output) {
    SpawnSpec spec;
    spec.argv = {kProbe, "wait"};
    spec.stdin_fd = input.read.get();
    spec.stdout_fd = output.write.get();
    return spec;
}

TEST(ProcessEntry, ReadsTheFieldsOfStat) {
    const auto entry = parse_stat(kStat);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->pid, 42);
    EXPECT_EQ(entry->ppid, 7);
    EXPECT_EQ(entry->pgrp, 41);
    EXPECT_EQ(entry->session, 40);
    EXPECT_EQ(entry->state, 'S');
    EXPECT_EQ(entry->threads, 5);
    EXPECT_EQ(entry->start_time, 12345u);
    EXPECT_EQ(entry->comm, "name");
    EXPECT_EQ(entry->cpu, std::chrono::milliseconds(1000 * 127 / sysconf(_SC_CLK_TCK)));
    EXPECT_FALSE(entry->executing);
    EXPECT_EQ(entry->rss, 10u * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
}

TEST(ProcessEntry, IsNotDeceivedByANameThatLooksLikeFields) {
    std::string text = kStat;
    text.replace(text.find("name"), 4, "a) R 1 1 1 (b");
    const auto entry = parse_stat(text);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->comm, "a) R 1 1 1 (b");
    EXPECT_EQ(entry->ppid, 7);
    EXPECT_EQ(entry->state, 'S');
}

TEST(ProcessEntry, SeesThatAProgramIsJustBeingExecuted) {
    std::string text = kStat;
    text.replace(text.find("27 0"), 2, "0");
    EXPECT_TRUE(parse_stat(text)->executing);
}

TEST(ProcessEntry, RefusesWhatIsNoStat) {
    for (const char* text :
         {"", "42", "42 (a", "42 (a)", "42 (a) ", "42 (a) S", "42 (a) S 1 2 3",
          "x (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22", ") (", ") 1 ("}) {
        EXPECT_FALSE(parse_stat(text)) << text;
    }
    for (std::size_t length = 0; length < kStat.find("27 0"); ++length) {
        EXPECT_FALSE(parse_stat(kStat.substr(0, length)));
    }
}

TEST(ProcessEntry, AZombieIsNotLiveUnlessOtherThreadsRun) {
    ProcessEntry entry;
    entry.state = 'S';
    entry.threads = 1;
    EXPECT_TRUE(entry.live());
    entry.state = 'Z';
    EXPECT_FALSE(entry.live());
    entry.threads = 2;
    EXPECT_TRUE(entry.live());
}

TEST(ProcessEntry, ReadsAProcessAndNothingOfOneThatIsGone) {
    Spawner spawner = make_spawner();
    Pipe input = Pipe::make(), output = Pipe::make();
    Running child(spawner, waiting(input, output));
    const pid_t pid = child.pid();
    const auto entry = read_process(pid);
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->ppid, getpid());
    EXPECT_EQ(entry->session, pid);
    EXPECT_EQ(entry->comm, "reeve-probe-chi");
    kill(pid, SIGKILL);
    child.await_end();
    EXPECT_EQ(read_process(pid)->state, 'Z');
    child.wait();
    EXPECT_FALSE(read_process(pid));
}

TEST(ProcessEntry, ReadsOneVariableOfAnEnvironment) {
    Spawner spawner = make_spawner();
    Pipe input = Pipe::make(), output = Pipe::make();
    SpawnSpec spec = waiting(input, output);
    spec.env = {"LONG=" + std::string(100'000, 'x'), "NAMESAKE=no", "NAME=a=b", "NAME=second"};
    Running child(spawner, spec);
    EXPECT_EQ(environment_value(child.pid(), "NAME"), "a=b");
    EXPECT_EQ(environment_value(child.pid(), "NAM"), std::nullopt);
    EXPECT_EQ(environment_value(child.pid(), "LONG")->size(), 100'000u);
    EXPECT_EQ(environment_value(0x7fffffff, "NAME"), std::nullopt);
}

TEST(ProcessEntry, FindsTheEnvironmentOfAProgramThatIsJustBeingExecuted) {
    Spawner spawner = make_spawner();
    Pipe input = Pipe::make(), output = Pipe::make();
    SpawnSpec spec = waiting(input, output);
    spec.env = {"NAME=value"};
    for (int i = 0; i < 50; ++i) {
        Running child(spawner, spec);
        EXPECT_EQ(environment_value(child.pid(), "NAME"), "value");
    }
}

TEST(ProcessEntry, ShowsTheCommandLineOrTheName) {
    Spawner spawner = make_spawner();
    Pipe input = Pipe::make(), output = Pipe::make();
    Running child(spawner, waiting(input, output));
    ASSERT_EQ(read_pid(output.read), child.pid());
    const auto entry = *read_process(child.pid());
    const std::string expected = kProbe + " wait";
    EXPECT_EQ(command_line(entry), expected);
    kill(child.pid(), SIGKILL);
    child.await_end();
    EXPECT_EQ(command_line(entry), "[reeve-probe-chi]");
}

TEST(ProcessEntry, SignalsOnlyTheProcessThatWasSeen) {
    Spawner spawner = make_spawner();
    Pipe input = Pipe::make(), output = Pipe::make();
    Running child(spawner, waiting(input, output));
    ProcessEntry entry = *read_process(child.pid());
    ProcessEntry earlier = entry;
    earlier.start_time -= 1;  // another process had this number before
    EXPECT_EQ(signal_process(earlier, SIGKILL).error().errnum, ESRCH);
    // Had it been killed, it could not do this any more.
    EXPECT_EQ(read_pid(output.read), child.pid());
    EXPECT_NE(read_process(child.pid())->state, 'Z');
    EXPECT_TRUE(signal_process(entry, SIGKILL));
    child.wait();
    EXPECT_EQ(signal_process(entry, SIGKILL).error().errnum, ESRCH);
}

TEST(ProcessEntry, AddsUpWhatATreeUses) {
    ProcessEntry a, b, zombie;
    a.state = b.state = 'S';
    zombie.state = 'Z';
    a.rss = 1000, a.cpu = 10ms, a.threads = 3;
    b.rss = 200, b.cpu = 20ms, b.threads = 1;
    zombie.rss = 5, zombie.cpu = 40ms, zombie.threads = 1;
    const std::vector<ProcessEntry> tree{a, b, zombie};
    const TreeUsage usage = tree_usage(tree);
    EXPECT_EQ(usage.rss, 1200u);
    EXPECT_EQ(usage.cpu, 70ms);
    EXPECT_EQ(usage.tasks, 4);
    const std::vector<ProcessEntry> self{*read_process(getpid())};
    EXPECT_GT(tree_usage(self).rss, 100'000u);
    EXPECT_GE(tree_usage(self).tasks, 1);
}

}  // namespace
}  // namespace reeve::os
