#include "supervisor/os/process_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<pid_t> pids(const std::vector<ProcessEntry>& entries) {
    std::vector<pid_t> result;
    for (const ProcessEntry& e : entries) result.push_back(e.pid);
    return result;
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

    [[noreturn]] void block() {
        char c;
        input_.write.reset();
        _exit(read(input_.read.get(), &c, 1) < 0 ? 1 : 0);
    }
    /// A child whose child has a child, all alive; their numbers from the top.
    std::vector<pid_t> make_generations() {
        const pid_t child = fork();
        if (child == 0) {
            const pid_t grandchild = fork();
            if (grandchild == 0) {
                const pid_t last = fork();
                if (last != 0) dprintf(output_.write.get(), "pid %d\npid %d\n", getpid(), last);
                block();
            }
            block();
        }
        const pid_t grandchild = read_pid(output_.read);
        return {child, grandchild, read_pid(output_.read)};
    }

    Pipe input_ = Pipe::make(), output_ = Pipe::make();
};

TEST_F(ProcessTree, HoldsAllGenerationsParentsFirst) {
    const std::vector<pid_t> generations = make_generations();
    EXPECT_EQ(pids(tree_of(generations[0])), generations);
    EXPECT_THAT(children_of(generations[0]), ElementsAre(generations[1]));
}

TEST_F(ProcessTree, OfAZombieOrNobodyIsEmpty) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
    EXPECT_THAT(tree_of(child), IsEmpty());
    EXPECT_THAT(tree_of(1 << 23), IsEmpty());
}

TEST_F(ProcessTree, OrphansBecomeChildrenOfTheReaper) {
    EXPECT_THAT(children_of(getpid()), IsEmpty());
    const std::vector<pid_t> generations = make_generations();
    kill(generations[0], SIGKILL);
    siginfo_t info;
    waitid(P_PID, static_cast<id_t>(generations[0]), &info, WEXITED | WNOWAIT);
    EXPECT_THAT(children_of(getpid()), UnorderedElementsAre(generations[0], generations[1]));
}

TEST_F(ProcessTree, ListsMoreChildrenThanFitInOneRead) {
    std::vector<pid_t> all;
    for (int i = 0; i < 300; ++i) {
        // Longer numbers would fill a page sooner; so does the sheer count of them.
        const pid_t pid = fork();
        if (pid == 0) block();
        all.push_back(pid);
    }
    EXPECT_THAT(children_of(getpid()), testing::UnorderedElementsAreArray(all));
}

}  // namespace
}  // namespace reeve::os
