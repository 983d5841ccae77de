#include "supervisor/os/process_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>

#include "supervisor/os/pidfd.h"
#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr pid_t kSelf = 100;

ProcessEntry entry(pid_t pid, pid_t ppid, pid_t session = 0) {
    ProcessEntry e;
    e.pid = pid;
    e.ppid = ppid;
    e.session = e.pgrp = session;
    e.state = 'S';
    e.threads = 1;
    e.start_time = static_cast<std::uint64_t>(pid);
    return e;
}

std::vector<pid_t> pids(const std::vector<ProcessEntry>& entries) {
    std::vector<pid_t> result;
    for (const ProcessEntry& e : entries) result.push_back(e.pid);
    return result;
}

/// "pid:run" of each.
std::vector<std::string> shown(const std::vector<Member>& members) {
    std::vector<std::string> result;
    for (const Member& m : members) {
        result.push_back(std::to_string(m.process.pid) + ":" + std::to_string(m.run));
    }
    return result;
}

// Numbers above the kernel's largest: nothing in /proc can interfere.
constexpr pid_t kA = 1 << 23, kB = kA + 1, kC = kA + 2, kD = kA + 3, kE = kA + 4;

TEST(ProcessTable, KnowsWhoDescendsFromWhom) {
    const ProcessTable table({entry(5, 3), entry(3, 1), entry(1, 0), entry(4, 3), entry(6, 5)},
                             kSelf);
    EXPECT_THAT(pids(table.children_of(3)), ElementsAre(4, 5));
    EXPECT_THAT(pids(table.descendants_of(3)), ElementsAre(4, 5, 6));
    EXPECT_THAT(pids(table.descendants_of(6)), IsEmpty());
    EXPECT_TRUE(table.is_below(6, 3));
    EXPECT_TRUE(table.is_below(6, 1));
    EXPECT_FALSE(table.is_below(3, 3));
    EXPECT_FALSE(table.is_below(3, 6));
    EXPECT_FALSE(table.is_below(77, 1));
    EXPECT_EQ(table.find(5)->ppid, 3);
    EXPECT_EQ(table.find(2), nullptr);
}

TEST(ProcessTable, ACircleOfParentsEndsNowhere) {
    // Two looks at different moments can show it when numbers are used again.
    const ProcessTable table({entry(5, 6), entry(6, 5)}, kSelf);
    EXPECT_FALSE(table.is_below(5, 1));
    EXPECT_THAT(pids(table.descendants_of(5)), ElementsAre(6));
    const std::vector<RunMarks> runs{{kA, 0, "a"}};
    EXPECT_THAT(shown(table.members(runs)), IsEmpty());
}

TEST(ProcessTable, WhatDescendsFromAMainProcessBelongsToItsRun) {
    const ProcessTable table(
        {entry(kSelf, 1), entry(kA, kSelf, kA), entry(kB, kA, kB), entry(kC, kB, 7)}, kSelf);
    const std::vector<RunMarks> runs{{kA, 0, "a"}};
    EXPECT_THAT(shown(table.members(runs)),
                ElementsAre(std::to_string(kA) + ":0", std::to_string(kB) + ":0",
                            std::to_string(kC) + ":0"));
}

TEST(ProcessTable, AnAdoptedMainProcessNeedNotBeBelowUs) {
    const ProcessTable table({entry(kSelf, 1), entry(kA, 1, kA), entry(kB, kA, kA)}, kSelf);
    const std::vector<RunMarks> runs{{kA, 0, "a"}};
    EXPECT_EQ(table.members(runs).size(), 2u);
}

TEST(ProcessTable, OrphansBelongByTheirSessionOrGroup) {
    ProcessEntry by_group = entry(kD, kSelf, 7);
    by_group.pgrp = kA;
    const ProcessTable table(
        {entry(kSelf, 1), entry(kB, kSelf, kA), entry(kC, kB, kC), by_group, entry(kE, kSelf, 9)},
        kSelf);
    const std::vector<RunMarks> runs{{kA, 0, "a"}};
    EXPECT_THAT(shown(table.members(runs)),
                ElementsAre(std::to_string(kB) + ":0", std::to_string(kC) + ":0",
                            std::to_string(kD) + ":0"));
}

TEST(ProcessTable, StrangersWithTheSameSessionAreNoMembers) {
    const ProcessTable table({entry(kSelf, 1), entry(kB, 1, kA)}, kSelf);
    const std::vector<RunMarks> runs{{kA, 0, "a"}};
    EXPECT_THAT(shown(table.members(runs)), IsEmpty());
}

TEST(ProcessTable, OneRunsProcessesNeverBelongToAnother) {
    // B's main process is in A's session, and below A's main process there is B's: nearest wins.
    const ProcessTable table({entry(kSelf, 1), entry(kA, kSelf, kA), entry(kB, kSelf, kA),
                              entry(kC, kB, kA), entry(kD, kSelf, kA)},
                             kSelf);
    const std::vector<RunMarks> runs{{kA, 0, "a"}, {kB, 0, "b"}};
    EXPECT_THAT(shown(table.members(runs)),
                ElementsAre(std::to_string(kA) + ":0", std::to_string(kB) + ":1",
                            std::to_string(kC) + ":1", std::to_string(kD) + ":0"));
}

TEST(ProcessTable, ExcludedProcessesAndTheirsBelongToNoRun) {
    const ProcessTable table(
        {entry(kSelf, 1), entry(kB, kSelf, kA), entry(kC, kB, kA), entry(kD, kSelf, kA)}, kSelf);
    const std::vector<RunMarks> runs{{kA, 0, "a"}};
    const std::vector<pid_t> excluded{kB};
    EXPECT_THAT(shown(table.members(runs, excluded)), ElementsAre(std::to_string(kD) + ":0"));
}

TEST(ProcessTable, AnotherProcessWithTheMainProcesssNumberIsNotTheRuns) {
    const ProcessTable table({entry(kSelf, 1), entry(kA, kSelf, kA), entry(kB, kA, kA)}, kSelf);
    const std::vector<RunMarks> gone{{kA, 1, "a"}};
    EXPECT_THAT(shown(table.members(gone)), IsEmpty());
    const std::vector<RunMarks> same{{kA, static_cast<std::uint64_t>(kA), "a"}};
    EXPECT_EQ(table.members(same).size(), 2u);
}

TEST(ProcessTable, ZombiesAreNoMembersButLeadToTheirSession) {
    ProcessEntry main = entry(kA, kSelf, kA);
    main.state = 'Z';
    const ProcessTable table({entry(kSelf, 1), main, entry(kB, kSelf, kA)}, kSelf);
    const std::vector<RunMarks> runs{{kA, 0, "a"}};
    EXPECT_THAT(shown(table.members(runs)), ElementsAre(std::to_string(kB) + ":0"));
}

TEST(ProcessTable, ARunWithoutAMainProcessHasNoSession) {
    const ProcessTable table({entry(kSelf, 1), entry(kB, kSelf, 0)}, kSelf);
    const std::vector<RunMarks> runs{{0, 0, "a"}};
    EXPECT_THAT(shown(table.members(runs)), IsEmpty());
}

/// Real processes: this one is the reaper of orphans, and ends all that it has at the end.
class ProcessTree : public testing::Test {
  protected:
    void SetUp() override { ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0); }
    void TearDown() override {
        input_.write.reset();
        while (waitpid(-1, nullptr, 0) > 0) {
        }
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
    }

    pid_t spawn(std::vector<std::string> words, const std::string& id) {
        SpawnSpec spec;
        spec.argv = {kProbe};
        spec.argv.insert(spec.argv.end(), words.begin(), words.end());
        spec.env = {"REEVE_INVOCATION_ID=" + id};
        spec.stdin_fd = input_.read.get();
        spec.stdout_fd = output_.write.get();
        return std::get<Spawned>(spawner_.spawn(spec)).pid;
    }
    /// A main process that leaves a daemon and ends, and is left a zombie: both pids.
    std::pair<pid_t, pid_t> leave_daemon(std::vector<std::string> words, const std::string& id) {
        words.insert(words.begin(), "daemon");
        words.push_back("leave");
        const pid_t main = spawn(words, id);
        siginfo_t info;
        waitid(P_PID, static_cast<id_t>(main), &info, WEXITED | WNOWAIT);
        return {main, read_pid(output_.read)};
    }
    static std::vector<pid_t> of_run(const std::vector<Member>& members, std::size_t run) {
        std::vector<pid_t> found;
        for (const Member& m : members) {
            if (m.run == run) found.push_back(m.process.pid);
        }
        return found;
    }

    Spawner spawner_ = make_spawner();
    Pipe input_ = Pipe::make(), output_ = Pipe::make();
};

TEST_F(ProcessTree, ADaemonThatTookOffEveryMarkCannotBeTold) {
    const pid_t main = spawn({"daemon", "setsid", "clean"}, "a");
    const pid_t first = read_pid(output_.read), second = read_pid(output_.read);
    const pid_t daemon = first == main ? second : first;
    ASSERT_EQ(read_process(daemon)->ppid, getpid());  // forked twice, so it is ours, not main's
    const std::vector<RunMarks> runs{{main, 0, "a"}};
    // It has taken off every mark, so it cannot be told from a stranger.
    EXPECT_THAT(of_run(ProcessTable::scan().members(runs), 0), ElementsAre(main));
}

TEST_F(ProcessTree, FindsADaemonInASessionOfItsOwnByItsEnvironment) {
    const auto [main, daemon] = leave_daemon({"setsid"}, "id-a");
    const auto [other_main, other] = leave_daemon({"setsid"}, "id-b");
    const std::vector<RunMarks> runs{{other_main, 0, "id-b"}, {main, 0, "id-a"}};
    const auto members = ProcessTable::scan().members(runs);
    EXPECT_THAT(of_run(members, 0), ElementsAre(other));
    EXPECT_THAT(of_run(members, 1), ElementsAre(daemon));
}

TEST_F(ProcessTree, FindsADaemonWithACleanedEnvironmentByItsSession) {
    const auto [main, daemon] = leave_daemon({"clean"}, "id-a");
    const std::vector<RunMarks> runs{{main, 0, "id-a"}};
    EXPECT_THAT(of_run(ProcessTable::scan().members(runs), 0), ElementsAre(daemon));
}

TEST_F(ProcessTree, TheEnvironmentDecidesOverTheSession) {
    const auto [main, daemon] = leave_daemon({}, "id-a");
    const std::vector<RunMarks> runs{{main, 0, "id-other"}, {kA, 0, "id-a"}};
    const auto members = ProcessTable::scan().members(runs);
    EXPECT_THAT(of_run(members, 0), IsEmpty());
    EXPECT_THAT(of_run(members, 1), ElementsAre(daemon));
}

TEST_F(ProcessTree, StrangersAreNotFound) {
    const auto [main, daemon] = leave_daemon({"setsid", "clean"}, "id-a");
    const pid_t stranger = spawn({"wait"}, "id-unknown");
    ASSERT_EQ(read_pid(output_.read), stranger);
    const std::vector<RunMarks> runs{{main, 0, "id-a"}};
    EXPECT_THAT(of_run(ProcessTable::scan().members(runs), 0), IsEmpty());
}

TEST_F(ProcessTree, ListsOwnChildrenAdoptedOnesIncluded) {
    EXPECT_THAT(own_children().value(), IsEmpty());
    const auto [main, daemon] = leave_daemon({"setsid"}, "id-a");
    EXPECT_THAT(own_children().value(), UnorderedElementsAre(main, daemon));
    EXPECT_THAT(pids(ProcessTable::scan().children_of(getpid())),
                UnorderedElementsAre(main, daemon));
}

TEST_F(ProcessTree, ListsMoreChildrenThanFitInOneRead) {
    std::vector<pid_t> all;
    for (int i = 0; i < 300; ++i) {
        // Longer numbers would fill a page sooner; so does the sheer count of them.
        const pid_t pid = fork();
        if (pid == 0) {
            char c;
            input_.write.reset();
            _exit(read(input_.read.get(), &c, 1) < 0 ? 1 : 0);
        }
        all.push_back(pid);
    }
    EXPECT_THAT(own_children().value(), testing::UnorderedElementsAreArray(all));
    std::vector<pid_t> scanned = pids(ProcessTable::scan().children_of(getpid()));
    EXPECT_THAT(scanned, testing::UnorderedElementsAreArray(all));
}

}  // namespace
}  // namespace reeve::os
