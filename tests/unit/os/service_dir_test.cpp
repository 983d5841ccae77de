#include "supervisor/os/service_dir.h"

#include <sys/stat.h>

#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

constexpr uid_t kNobody = 65534;

/// "755 0:0", or what is in the way.
std::string look_at(const std::string& path) {
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0) return "none";
    if (!S_ISDIR(status.st_mode)) return "no folder";
    char text[64];
    std::snprintf(text, sizeof text, "%o %u:%u", status.st_mode & 07777, status.st_uid,
                  status.st_gid);
    return text;
}

DirOwner own(mode_t mode = 0755) { return {geteuid(), getegid(), mode}; }

std::string owned(mode_t mode, uid_t uid = geteuid(), gid_t gid = getegid()) {
    char text[64];
    std::snprintf(text, sizeof text, "%o %u:%u", mode, uid, gid);
    return text;
}

TEST(ServiceDir, IsMadeWithTheModeWhateverTheUmask) {
    const TempDir dir;
    const mode_t before = umask(077);
    EXPECT_TRUE(make_service_dir(dir.path(), "app", own(0775)));
    umask(before);
    EXPECT_EQ(look_at(dir / "app"), owned(0775));
}

TEST(ServiceDir, MayHaveSeveralPartsAndAPlaceThatIsMissing) {
    const TempDir dir;
    EXPECT_TRUE(make_service_dir(dir / "place", "app/cache", own(0700)));
    EXPECT_EQ(look_at(dir / "place/app"), owned(0755));
    EXPECT_EQ(look_at(dir / "place/app/cache"), owned(0700));
}

TEST(ServiceDir, IsTheUsersOwnButWhatIsAboveItIsNot) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    const TempDir dir;
    EXPECT_TRUE(make_service_dir(dir.path(), "app/cache", {kNobody, kNobody, 0750}));
    EXPECT_EQ(look_at(dir / "app"), "755 0:0");
    EXPECT_EQ(look_at(dir / "app/cache"), owned(0750, kNobody, kNobody));
}

TEST(ServiceDir, PutsOwnerAndModeOfAnExistingOneRightAndLeavesItsContent) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    const TempDir dir;
    std::filesystem::create_directory(dir / "app");
    write_file(dir / "app/data", "x", 0600);
    ASSERT_EQ(chmod((dir / "app").c_str(), 0777), 0);
    EXPECT_TRUE(make_service_dir(dir.path(), "app", {kNobody, kNobody, 02750}));
    EXPECT_EQ(look_at(dir / "app"), owned(02750, kNobody, kNobody));
    struct stat status {};
    ASSERT_EQ(stat((dir / "app/data").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 0u);
}

TEST(ServiceDir, NeverFollowsALinkThatTheUserHasMade) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    const TempDir dir;
    std::filesystem::create_directory(dir / "treasure");
    // In a folder of its own, a user can plant what it likes.
    std::filesystem::create_directory(dir / "app");
    ASSERT_EQ(chown((dir / "app").c_str(), kNobody, kNobody), 0);
    std::filesystem::create_symlink(dir / "treasure", dir / "app/cache");
    const auto made = make_service_dir(dir.path(), "app/cache", {kNobody, kNobody, 0700});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().text(),
              "cannot make the folder " + (dir / "app/cache") + ": Not a directory");
    EXPECT_EQ(look_at(dir / "treasure"), "755 0:0");
    // And in one where all may write.
    ASSERT_EQ(lchown((dir / "app/cache").c_str(), kNobody, kNobody), 0);
    ASSERT_EQ(chown((dir / "app").c_str(), 0, 0), 0);
    EXPECT_FALSE(make_service_dir(dir.path(), "app/cache", {kNobody, kNobody, 0700}));
    EXPECT_EQ(look_at(dir / "treasure"), "755 0:0");
}

TEST(ServiceDir, FollowsALinkThatTheAdministratorHasMade) {
    const TempDir dir;
    std::filesystem::create_directory(dir / "elsewhere");
    std::filesystem::create_directory(dir / "place");
    std::filesystem::create_symlink(dir / "elsewhere", dir / "place/app");
    EXPECT_TRUE(make_service_dir(dir / "place", "app", own(0711)));
    EXPECT_EQ(look_at(dir / "elsewhere"), owned(0711));
}

TEST(ServiceDir, SaysWhatIsInItsWay) {
    const TempDir dir;
    write_file(dir / "app", "");
    const auto made = make_service_dir(dir.path(), "app", own());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().text(), "cannot make the folder " + (dir / "app") + ": Not a directory");
    EXPECT_FALSE(make_service_dir(dir.path(), "../app", own()));
}

}  // namespace
}  // namespace reeve::os
