#include <gmock/gmock.h>

#include "tests/unit/ctl/follower.h"
#include "tests/unit/ctl/log_fixture.h"

namespace reeve::ctl {
namespace {

class FollowTest : public testing::Test {
  protected:
    TempDir dir_;
    std::string web_ = dir_ / "log/web";
};

TEST_F(FollowTest, BeginsWithTheLastTenAndGoesOnThroughRotations) {
    write_file(web_ + "/current", records(1, 30));
    Follower follower(dir_, {"logs", "-f", "web"});
    EXPECT_EQ(follower.read_lines(10), printed(21, 30));
    int next = 31;
    for (int rotation = 0; rotation < 20; ++rotation) {
        append_to(web_ + "/current", records(next, next + 2));
        // Sometimes it has seen the lines before the rotation, sometimes not.
        if (rotation % 2 == 0) {
            EXPECT_EQ(follower.read_lines(3), printed(next, next + 2));
        }
        std::filesystem::rename(web_ + "/current",
                                web_ + "/@" + std::to_string(100 + rotation) + ".log");
        write_file(web_ + "/current.new", records(next + 3, next + 3));
        std::filesystem::rename(web_ + "/current.new", web_ + "/current");
        if (rotation % 2 != 0) {
            EXPECT_EQ(follower.read_lines(3), printed(next, next + 2));
        }
        EXPECT_EQ(follower.read_lines(1), printed(next + 3, next + 3));
        next += 4;
    }
}

TEST_F(FollowTest, SeesAServicesFirstLine) {
    write_file(web_ + "/current", records(1, 1));
    std::filesystem::create_directories(dir_ / "log/db");
    Follower follower(dir_, {"logs", "-f", "-n", "all", "web", "db"});
    EXPECT_EQ(follower.read_lines(1), "web | line 1\n");
    write_file(dir_ / "log/db/current", records(2, 2));
    EXPECT_EQ(follower.read_lines(1), "db  | line 2\n");
    append_to(web_ + "/current", records(3, 3));
    EXPECT_EQ(follower.read_lines(1), "web | line 3\n");
}

TEST_F(FollowTest, SeesAFolderThatIsMadeAnew) {
    write_file(web_ + "/current", records(1, 1));
    Follower follower(dir_, {"logs", "-f", "web"});
    EXPECT_EQ(follower.read_lines(1), printed(1, 1));
    std::filesystem::remove_all(web_);
    write_file(web_ + "/current", records(2, 2));
    EXPECT_EQ(follower.read_lines(1), printed(2, 2));
    append_to(web_ + "/current", records(3, 3));
    EXPECT_EQ(follower.read_lines(1), printed(3, 3));
}

TEST_F(FollowTest, EndsQuietlyWhenNobodyReadsAnyMore) {
    write_file(web_ + "/current", records(1, 1));
    Follower follower(dir_, {"logs", "-f", "web"});
    EXPECT_EQ(follower.read_lines(1), printed(1, 1));
    follower.stop_reading();
    const int status = follower.end();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(FollowTest, EndsByTheSignalOfCtrlC) {
    write_file(web_ + "/current", records(1, 1));
    Follower follower(dir_, {"logs", "-f", "web"});
    EXPECT_EQ(follower.read_lines(1), printed(1, 1));
    follower.interrupt();
    const int status = follower.end();
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGINT) << "which a shell reports as 130";
}

}  // namespace
}  // namespace reeve::ctl
