#include "supervisor/shell/children.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

namespace reeve::shell {
namespace {

/// Whose end nobody has looked at.
pid_t make_zombie(int status) {
    const pid_t child = fork();
    if (child == 0) _exit(status);
    siginfo_t info{};
    EXPECT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
    return child;
}

TEST(Children, TakesInNoMoreEndsThanItIsToAtOnceAndTheRestLater) {
    Children children;
    std::vector<ExitStatus> told;
    for (int status = 1; status <= 5; ++status) {
        children.expect(make_zombie(status),
                        [&](const os::Ended& end) { told.push_back(end.status); });
    }
    EXPECT_FALSE(children.sweep(2));
    EXPECT_EQ(told.size(), 2);
    EXPECT_FALSE(children.sweep(3));
    EXPECT_EQ(told.size(), 5);
    EXPECT_TRUE(children.sweep(1));
    EXPECT_EQ(told.size(), 5);
}

TEST(Children, TellsAnEndWhileItIsAZombieAndOnceItIsReaped) {
    Children children;
    const pid_t pid = make_zombie(7);
    std::vector<std::string> told;
    const auto tell = [&](const std::string& who, const os::Ended& end) {
        EXPECT_EQ(end.pid, pid);
        EXPECT_EQ(end.status, ExitStatus::exited(7));
        const bool there = os::is_child(pid);
        told.push_back(who + (there ? " of a zombie" : " of one that is gone"));
    };
    children.on_ending([&](const os::Ended& end) { tell("ending", end); });
    children.expect(pid, [&](const os::Ended& end) { tell("end", end); });
    EXPECT_TRUE(children.sweep(10));
    EXPECT_EQ(told, (std::vector<std::string>{"ending of a zombie", "end of one that is gone"}));
}

}  // namespace
}  // namespace reeve::shell
