#include "supervisor/os/cgroup.h"

#include <sys/stat.h>

#include <csignal>

#include "supervisor/os/pidfd.h"
#include "support.h"

namespace reeve::os {
namespace {

constexpr const char* kMounts =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime shared:9 - cgroup2 cgroup2 rw\n";

TEST(OwnCgroup, IsFoundWhereVersion2IsMounted) {
    const auto own = parse_own_cgroup("9:name=systemd:/a\n0::/user/me\n", kMounts);
    ASSERT_TRUE(own);
    EXPECT_EQ(own->folder, "/sys/fs/cgroup/uni fied/user/me");
    EXPECT_EQ(own->path, "/user/me");
    EXPECT_EQ(parse_own_cgroup("0::/\n", kMounts)->folder, "/sys/fs/cgroup/uni fied");
}

TEST(OwnCgroup, MayBeWhatIsMounted) {
    const std::string mounts = "41 31 0:38 /box /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
    EXPECT_EQ(parse_own_cgroup("0::/box\n", mounts)->folder, "/sys/fs/cgroup");
    EXPECT_EQ(parse_own_cgroup("0::/box/in\n", mounts)->folder, "/sys/fs/cgroup/in");
    EXPECT_FALSE(parse_own_cgroup("0::/boxes\n", mounts));
}

TEST(OwnCgroup, IsNoneWithoutVersion2) {
    EXPECT_EQ(parse_own_cgroup("9:name=systemd:/a\n", kMounts).error().text(),
              "no cgroup of version 2");
    EXPECT_EQ(parse_own_cgroup("0::/\n", "31 23 0:28 / /sys rw - sysfs sysfs rw\n").error().text(),
              "cgroups of version 2 are not mounted");
    EXPECT_FALSE(parse_own_cgroup("0::/../other\n", kMounts));
}

TEST(CgroupPath, IsThatOfAFolderThatNeedNotBeThere) {
    EXPECT_EQ(*parse_cgroup_path("/sys/fs/cgroup/uni fied/user/me", kMounts), "/user/me");
    EXPECT_FALSE(parse_cgroup_path("/sys/fs/cgroup", kMounts));
    EXPECT_FALSE(parse_cgroup_path("/sys/fs/cgroup/uni fiedly/me", kMounts));
    const std::string mounts = "41 31 0:38 /box /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
    EXPECT_EQ(*parse_cgroup_path("/sys/fs/cgroup/in", mounts), "/box/in");
}

class ACgroup : public testing::Test {
  protected:
    void SetUp() override {
        const auto own = find_own_cgroup();
        if (!own) GTEST_SKIP() << own.error().text();
        const std::string name = "/reeve-test-" + std::to_string(getpid());
        folder_ = own->folder + name;
        path_ = (own->path == "/" ? "" : own->path) + name;
        if (const auto made = make_cgroup(folder_); !made) {
            folder_.clear();
            GTEST_SKIP() << made.error().text();
        }
    }
    void TearDown() override {
        if (folder_.empty()) return;
        EXPECT_TRUE(remove_cgroup(folder_));
    }

    std::string folder_, path_;
};

TEST_F(ACgroup, HoldsAChildFromItsBirthOnAndIsEmptyAfterItsEnd) {
    auto spawner = Spawner::create();
    ASSERT_TRUE(spawner);
    const auto cgroup = open_cgroup(folder_);
    ASSERT_TRUE(cgroup);
    SpawnSpec spec;
    spec.argv = {"/bin/sleep", "1000000"};
    spec.cgroup = cgroup->get();
    auto result = spawner->spawn(spec);
    ASSERT_TRUE(std::holds_alternative<Spawned>(result));
    const auto& child = std::get<Spawned>(result);
    EXPECT_TRUE(is_populated(folder_));
    EXPECT_EQ(cgroup_members(folder_), std::vector<pid_t>{child.pid});
    EXPECT_TRUE(is_in_cgroup(child.pid, path_));
    EXPECT_FALSE(is_in_cgroup(getpid(), path_));
    EXPECT_FALSE(is_in_cgroup(child.pid, path_.substr(0, path_.size() - 1)));
    EXPECT_TRUE(kill_cgroup(folder_));
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED);
    EXPECT_EQ(info.si_status, SIGKILL);
    EXPECT_FALSE(is_populated(folder_));
}

TEST_F(ACgroup, IsRemovedWithThoseBelowIt) {
    ASSERT_EQ(mkdir((folder_ + "/a").c_str(), 0755), 0);
    ASSERT_EQ(mkdir((folder_ + "/a/b").c_str(), 0755), 0);
    EXPECT_TRUE(remove_cgroup(folder_));
    EXPECT_NE(access(folder_.c_str(), F_OK), 0);
    EXPECT_FALSE(is_populated(folder_));
}

TEST_F(ACgroup, OfAChildWhoseProgramIsNotThereIsLeftEmpty) {
    auto spawner = Spawner::create();
    ASSERT_TRUE(spawner);
    const auto cgroup = open_cgroup(folder_);
    SpawnSpec spec;
    spec.argv = {"/nowhere"};
    spec.cgroup = cgroup->get();
    auto result = spawner->spawn(spec);
    ASSERT_TRUE(std::holds_alternative<SpawnFailure>(result));
    EXPECT_EQ(std::get<SpawnFailure>(result).text(), "exec /nowhere: No such file or directory");
    EXPECT_FALSE(is_populated(folder_));
}

}  // namespace
}  // namespace reeve::os
