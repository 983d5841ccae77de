#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/os/pidfd.h"
#include "supervisor/shell/containment.h"
#include "supervisor/shell/resumed.h"
#include "tests/unit/shell/tree_fixture.h"

namespace reeve::shell {
namespace {

using namespace test;

const std::string with_a_child = "sleep 1000 & echo $!; read x; exit 7";

TEST_P(ATree, ThatLivesIsTakenOverAndItsEndIsTold) {
    precede_with("echo up; read x; exit 7");
    EXPECT_EQ(intent_.first, state::Process{});
    ASSERT_TRUE(resume(record_));
    EXPECT_EQ(tree_->record(), record_);
    const pid_t main = record_.main.pid;
    EXPECT_TRUE(tree_->is_member(main));
    EXPECT_FALSE(tree_->is_member(getpid()));
    ASSERT_EQ(tree_->members().size(), 1u);
    EXPECT_EQ(tree_->members()[0].pid, main);
    EXPECT_FALSE(tree_->empty());
    let_go_on();
    const ExitStatus status = end();
    if (GetParam() == Kind::Keeper || tells_of_reaped()) {
        EXPECT_EQ(status, ExitStatus::exited(7));
    }
    EXPECT_TRUE(becomes_empty());
}

TEST_P(ATree, WhoseMainProcessEndedUnseenIsTakenOver) {
    precede_with(with_a_child);
    const pid_t child = std::stoi(word_);
    let_go_on();
    await_burial(record_.main.pid);
    ASSERT_TRUE(resume(record_));
    EXPECT_EQ(end(), unseen(7));
    EXPECT_TRUE(tree_->is_member(child));
    EXPECT_TRUE(has_member(child));
    EXPECT_FALSE(tree_->empty());
    tree_->kill();
    EXPECT_TRUE(becomes_empty());
}

TEST_P(ATree, ThatEndedUnseenIsToldOf) {
    precede_with("echo up; read x; exit 7");
    let_go_on();
    await_burial(record_.main.pid);
    ASSERT_TRUE(resume(record_));
    EXPECT_EQ(end(), unseen(7));
    EXPECT_TRUE(becomes_empty());
    if (record_.keeper.pid != 0) await_burial(record_.keeper.pid);
}

TEST_P(ATree, WhoseMainProcessNobodyHasReapedIsKnownByItsZombie) {
    precede_with("echo up; read x; exit 7");
    kill(reaper_, SIGSTOP);
    waitpid(reaper_, nullptr, WUNTRACED);
    ASSERT_TRUE(resume(record_));
    let_go_on();
    EXPECT_EQ(end(), ExitStatus::exited(7));
    kill(reaper_, SIGCONT);
    EXPECT_TRUE(becomes_empty());
}

TEST_P(ATree, WhoseEndHadBeenNoticedIsNotToldOfAgain) {
    precede_with(with_a_child);
    let_go_on();
    await_burial(record_.main.pid);
    record_.main = {};
    ASSERT_TRUE(resume(record_));
    tree_->kill();
    EXPECT_TRUE(becomes_empty());
    EXPECT_FALSE(end_);
}

TEST_P(ATree, IsKilledWithAllThatItForks) {
    precede_with("for i in 1 2 3; do sleep 1000 & done; (setsid sleep 1000 &); echo up; wait");
    ASSERT_TRUE(resume(record_));
    tree_->kill();
    EXPECT_EQ(end(), tells_of_reaped() || GetParam() == Kind::Keeper ? ExitStatus::killed(SIGKILL)
                                                                     : ExitStatus::unknown());
    EXPECT_TRUE(becomes_empty());
    EXPECT_TRUE(tree_->members().empty());
}

TEST_P(ATree, OfWhichOnlyTheIntentIsKnownIsFound) {
    precede_with("echo up; read x; exit 7");
    ASSERT_TRUE(resume(intent_));
    EXPECT_EQ(tree_->record().first, record_.first);
    EXPECT_EQ(tree_->record().main, record_.main);
    EXPECT_EQ(tree_->record().keeper, record_.keeper);
    tree_->signal_main(SIGTERM);
    end();
    EXPECT_TRUE(becomes_empty());
}

TEST_P(ATree, ThatWasNeverBornIsNothing) {
    precede([&](House& house) {
        auto tree = house.containments.open("web", id_of(1000));
        say(in_words(tree->record()));
        (void)tree.release();
    });
    const state::Tree intent = from_words(read_line(records_.reading.get()));
    kill_predecessor();
    EXPECT_FALSE(resume(intent));
    EXPECT_TRUE(tree_->empty());
}

TEST_P(ATree, LeavesAStrangerWithItsNumberAlone) {
    const pid_t stranger = fork();
    if (stranger == 0) {
        for (;;) pause();
    }
    state::Tree record;
    record.kind = GetParam();
    record.number = 1000;
    if (record.kind == Kind::Cgroup) record.cgroup = "web.1000";
    record.first = identify(stranger);
    ++record.first.start_time;
    record.main = record.first;
    if (record.kind == Kind::Keeper) record.keeper = record.first;
    ASSERT_TRUE(resume(record));
    EXPECT_FALSE(tree_->is_member(stranger));
    tree_->signal_main(SIGKILL);
    tree_->signal_all(SIGKILL);
    tree_->kill();
    EXPECT_EQ(end(), ExitStatus::unknown());
    EXPECT_TRUE(becomes_empty());
    EXPECT_EQ(waitpid(stranger, nullptr, WNOHANG), 0);
    kill(stranger, SIGKILL);
    waitpid(stranger, nullptr, 0);
}

TEST_P(ATree, CanBeGivenAnotherMainProcess) {
    precede_with(with_a_child);
    const pid_t child = std::stoi(word_);
    ASSERT_TRUE(resume(record_));
    ASSERT_TRUE(tree_->adopt(child, [this](const os::Ended& end) { end_ = end; }));
    EXPECT_EQ(tree_->record().main, identify(child));
    EXPECT_EQ(tree_->record().first, record_.first);
    tree_->signal_main(SIGTERM);
    end();
    EXPECT_EQ(end_->pid, child);
    tree_->kill();
    EXPECT_TRUE(becomes_empty());
}

TEST_P(ATree, OfOurOwnIsTakenOverAfterAnExecve) {
    // What an execve leaves: the processes, and nothing of what knew of them.
    house_.reset();
    auto* before = new House(folder_, GetParam());
    auto* lost = before->containments.open("web", id_of(1000)).release();
    (void)lost->start(spec("echo up; read x; exit 7", 1000), [](const os::Ended&) {});
    record_ = lost->record();
    house_ = std::make_unique<House>(folder_, GetParam());
    read_line(output_.reading.get());
    ASSERT_TRUE(resume(record_));
    EXPECT_EQ(tree_->members().size(), 1u);
    let_go_on();
    EXPECT_EQ(end(), ExitStatus::exited(7));
    EXPECT_TRUE(becomes_empty());
    (void)new std::pair(before, lost);  // still to be seen by whoever looks for leaks
}

TEST_P(ATree, OfOurOwnThatEndedDuringAnExecveIsToldOf) {
    house_.reset();
    auto* before = new House(folder_, GetParam());
    auto* lost = before->containments.open("web", id_of(1000)).release();
    (void)lost->start(spec("echo up; exit 7", 1000), [](const os::Ended&) {});
    record_ = lost->record();
    house_ = std::make_unique<House>(folder_, GetParam());
    if (const auto pidfd = os::open_pidfd(record_.main.pid)) await_end(pidfd->get());
    ASSERT_TRUE(resume(record_));
    EXPECT_EQ(end(), ExitStatus::exited(7));
    EXPECT_TRUE(becomes_empty());
    (void)new std::pair(before, lost);
}

TEST_P(ATree, IsFoundWheneverItsSupervisorIsKilled) {
    std::mt19937 random(20);
    for (int round = 0; round < 20; ++round) {
        house_.reset();  // which would end the predecessor with what is nobody's
        precede([&](House& house) {
            for (std::uint64_t i = 0; i < 40; ++i) {
                auto tree = house.containments.open("web", id_of(i));
                say(in_words(tree->record()));
                (void)tree->start(spec("echo $$; read x", i), [](const os::Ended&) {});
                say(in_words(tree->record()));
                (void)tree.release();
            }
        });
        usleep(std::uniform_int_distribution<unsigned>(1000, 40'000)(random));
        kill_predecessor();
        std::map<std::uint64_t, state::Tree> records;
        records_.writing.reset();
        for (std::string line; !(line = read_line(records_.reading.get())).empty();) {
            const state::Tree tree = from_words(line);
            records[tree.number] = tree;
        }
        house_ = std::make_unique<House>(folder_, GetParam());
        std::vector<std::unique_ptr<Containment>> trees;
        std::set<pid_t> found;
        std::size_t ended = 0, emptied = 0;
        for (const auto& [number, record] : records) {
            const std::uint64_t index = number - records.begin()->first;
            auto tree = house_->containments.reopen("web", id_of(index), record);
            if (!tree->resume(record, [&](const os::Ended&) { ++ended; })) continue;
            found.insert(tree->record().main.pid);
            trees.push_back(std::move(tree));
        }
        house_->containments.all_reopened();
        for (const auto& tree : trees) {
            tree->kill();
            tree->await_empty([&] { ++emptied; });
        }
        EXPECT_TRUE(
            house_->run_until([&] { return ended == trees.size() && emptied == trees.size(); }));
        // Nobody has the other end any more, unless somebody was not found.
        output_.writing.reset();
        for (std::string line; !(line = read_line(output_.reading.get())).empty();) {
            EXPECT_TRUE(found.contains(std::stoi(line))) << line;
        }
        trees.clear();
        bury();
        records_ = Pipe();
        output_ = Pipe();
    }
}

class AKeptTree : public ATree {};

TEST_P(AKeptTree, GoesOnReportingAfterNobodyHasReadForLong) {
    precede_with(
        "(read x; for i in $(seq 300); do (exit 1 &); done; echo done; exit 7)& "
        "echo $!; wait; read x; exit 8");
    let_go_on();
    EXPECT_EQ(read_line(output_.reading.get()), "done");
    ASSERT_TRUE(resume(record_));
    let_go_on();
    EXPECT_EQ(end(), ExitStatus::exited(8));
    EXPECT_TRUE(becomes_empty());
}

TEST_P(AKeptTree, WhoseKeeperWasKilledIsKnownByItsMarks) {
    precede_with(with_a_child);
    const pid_t child = std::stoi(word_);
    kill(record_.keeper.pid, SIGKILL);
    await_burial(record_.keeper.pid);
    ASSERT_TRUE(resume(record_));
    EXPECT_EQ(tree_->record().kind, Kind::Marks);
    EXPECT_TRUE(has_member(record_.main.pid));
    EXPECT_TRUE(has_member(child));
    tree_->kill();
    end();
    EXPECT_TRUE(becomes_empty());
}

TEST_P(AKeptTree, WhoseKeeperIsKilledLaterIsKnownByItsMarks) {
    precede_with(with_a_child);
    const pid_t child = std::stoi(word_);
    ASSERT_TRUE(resume(record_));
    kill(record_.keeper.pid, SIGKILL);
    EXPECT_TRUE(house_->run_until([&] { return tree_->record().kind == Kind::Marks; }));
    EXPECT_TRUE(has_member(record_.main.pid));
    EXPECT_TRUE(has_member(child));
    tree_->kill();
    end();
    EXPECT_TRUE(becomes_empty());
}

std::string name_of(const testing::TestParamInfo<Kind>& kind) {
    if (kind.param == Kind::Cgroup) return "Cgroup";
    return kind.param == Kind::Keeper ? "Keeper" : "Marks";
}
INSTANTIATE_TEST_SUITE_P(Resumed, ATree, testing::Values(Kind::Cgroup, Kind::Keeper, Kind::Marks),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Resumed, AKeptTree, testing::Values(Kind::Keeper), name_of);

}  // namespace
}  // namespace reeve::shell
