#include "supervisor/os/keeper.h"

#include <poll.h>

#include <csignal>

#include "supervisor/os/process_tree.h"
#include "support.h"

namespace reeve::os {
namespace {

class AKeeper : public testing::Test {
  protected:
    void SetUp() override {
        auto image = make_keeper_image();
        if (!image) GTEST_SKIP() << image.error().text();
        image_ = std::move(*image);
        auto pipe = make_keeper_pipe();
        ASSERT_TRUE(pipe);
        pipe_ = std::move(*pipe);
    }

    SpawnResult spawn(std::vector<std::string> argv) {
        auto spawner = Spawner::create();
        SpawnSpec spec;
        spec.argv = std::move(argv);
        spec.stdin_fd = input_.read.get();
        spec.keeper = KeeperSpec{image_.get(), pipe_.writing.get(), "reeve-keeper: test"};
        SpawnResult result = spawner->spawn(spec);
        pipe_.writing.reset();
        return result;
    }

    /// The reports up to the last, which is waited for.
    std::vector<KeeperReport> all_reports() {
        std::vector<KeeperReport> all;
        while (all.empty() || !all.back().last) {
            pollfd ready{pipe_.reading.get(), POLLIN, 0};
            poll(&ready, 1, -1);
            for (KeeperReport& report : read_reports(pipe_.reading.get()).list) {
                all.push_back(std::move(report));
            }
            if ((ready.revents & POLLIN) == 0) break;
        }
        return all;
    }

    Fd image_;
    KeeperPipe pipe_;
    test::Pipe input_ = test::Pipe::make();
};

ExitStatus wait_for(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? ExitStatus::exited(WEXITSTATUS(status))
                             : ExitStatus::killed(WTERMSIG(status));
}

TEST_F(AKeeper, TellsHowTheChildEndedAndEndsWithIt) {
    auto result = spawn({test::kProbe, "exit", "7"});
    ASSERT_TRUE(std::holds_alternative<Spawned>(result));
    const auto& child = std::get<Spawned>(result);
    const auto reports = all_reports();
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].end.pid, child.pid);
    EXPECT_EQ(reports[0].end.status, ExitStatus::exited(7));
    EXPECT_TRUE(reports[0].last);
    EXPECT_EQ(wait_for(child.keeper), ExitStatus::exited(0));
}

TEST_F(AKeeper, KeepsWhatLeftItsParentItsSessionAndItsEnvironment) {
    auto result = spawn({test::kProbe, "daemon", "setsid", "clean", "leave"});
    ASSERT_TRUE(std::holds_alternative<Spawned>(result));
    const auto& child = std::get<Spawned>(result);
    std::vector<KeeperReport> reports;
    while (reports.empty() || reports.back().end.pid != child.pid) {
        pollfd ready{pipe_.reading.get(), POLLIN, 0};
        poll(&ready, 1, -1);
        reports = read_reports(pipe_.reading.get()).list;
    }
    EXPECT_FALSE(reports.back().last);
    const auto tree = tree_of(child.keeper);
    ASSERT_EQ(tree.size(), 2u);
    EXPECT_NE(tree[1].session, child.pid);
    EXPECT_TRUE(descends_from(tree[1].pid, child.keeper));
    EXPECT_FALSE(descends_from(getpid(), child.keeper));
    const Felled felled = fell_below(child.keeper, std::chrono::seconds(10));
    EXPECT_EQ(felled.count, 1u);
    EXPECT_TRUE(felled.stood_still);
    const auto rest = all_reports();
    EXPECT_EQ(rest.back().end.status, ExitStatus::killed(SIGKILL));
    EXPECT_EQ(wait_for(child.keeper), ExitStatus::exited(0));
}

TEST_F(AKeeper, IsNotLeftWhenTheProgramIsNotThere) {
    auto result = spawn({"/nowhere"});
    ASSERT_TRUE(std::holds_alternative<SpawnFailure>(result));
    EXPECT_EQ(std::get<SpawnFailure>(result).text(), "exec /nowhere: No such file or directory");
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(AKeeper, ThatCannotBeExecutedLeavesTheChildToUs) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    image_ = Fd(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto result = spawn({test::kProbe, "exit", "7"});
    ASSERT_TRUE(std::holds_alternative<Spawned>(result));
    const auto& child = std::get<Spawned>(result);
    EXPECT_EQ(child.keeper, 0);
    EXPECT_EQ(child.keeper_errnum, EACCES);
    EXPECT_EQ(wait_for(child.pid), ExitStatus::exited(7));
}

TEST(ExitOfReaped, IsToldWhoeverReapedIt) {
    auto spawner = Spawner::create();
    SpawnSpec spec;
    spec.argv = {test::kProbe, "exit", "3"};
    auto result = spawner->spawn(spec);
    const auto& child = std::get<Spawned>(result);
    EXPECT_EQ(wait_for(child.pid), ExitStatus::exited(3));
    const auto status = exit_of_reaped(child.pidfd.get());
    if (!status) GTEST_SKIP() << "the kernel does not tell";
    EXPECT_EQ(*status, ExitStatus::exited(3));
}

}  // namespace
}  // namespace reeve::os
