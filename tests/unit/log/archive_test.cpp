#include "supervisor/log/archive.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/unit/log/support.h"

namespace reeve::log {
namespace {

constexpr int kPatienceMs = 60'000;

WallTime wall_now() {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

struct ArchiveTest : testing::Test {
    ArchiveTest() {
        std::filesystem::create_directory(folder);
        watch.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        ::inotify_add_watch(watch.get(), folder.c_str(), IN_CREATE | IN_DELETE | IN_MOVED_TO);
    }

    std::string at(const std::string& file) const { return folder + "/" + file; }
    std::string write_rotated(WallTime when) {
        const std::string name = rotated_name(when);
        write_file(at(name), "text\n");
        return name;
    }

    /// Waits until the files that are neither `current` nor hidden are these.
    void wait_for(const std::vector<std::string>& wanted) {
        char events[4096];
        pollfd changed{watch.get(), POLLIN, 0};
        while (rotated_in(folder) != wanted) {
            ASSERT_EQ(::poll(&changed, 1, kPatienceMs), 1) << "nothing changes any more";
            while (::read(watch.get(), events, sizeof events) > 0) {
            }
        }
    }

    Archive::Notice next_notice() {
        pollfd told{archive.fd(), POLLIN, 0};
        EXPECT_EQ(::poll(&told, 1, kPatienceMs), 1) << "no notice came";
        const auto notices = archive.take_notices();
        EXPECT_EQ(notices.size(), 1u);
        return notices.empty() ? Archive::Problem{} : notices.front();
    }

    TempDir dir;
    std::string folder = dir / "web";
    Fd watch;
    config::Log rules;
    Archive archive{dir.path()};
};

TEST_F(ArchiveTest, DoesAsTold) {
    const std::string old = write_rotated(wall_now() - 2s), newer = write_rotated(wall_now() - 1s);
    rules.max_files = 1;
    archive.tend("web", rules);
    wait_for({newer});
    rules.compress = config::Log::Compression::Zstd;
    archive.tend("web", rules);
    wait_for({newer + ".zst"});
    rules.max_files = 0;
    archive.tend("web", rules);
    wait_for({});
}

TEST_F(ArchiveTest, RemovesAFileWhenItBecomesTooOldThoughNothingHappens) {
    rules.max_age = 300ms;
    write_rotated(wall_now());
    const auto before = wall_now();
    archive.tend("web", rules);
    wait_for({});
    // The time of a file's last change may be some milliseconds behind the clock.
    EXPECT_GE(wall_now() - before, 250ms);
}

TEST_F(ArchiveTest, AsksForTheRotationOfACurrentThatBecomesTooOld) {
    StampWriter stamps;
    rules.max_age = 200ms;
    const auto first = wall_now();
    write_file(at("current"), std::string(stamps.text(first)) + " stdout F hello\n");
    archive.tend("web", rules);
    const Archive::Notice notice = next_notice();
    const auto* old = std::get_if<Archive::CurrentIsOld>(&notice);
    ASSERT_NE(old, nullptr);
    EXPECT_EQ(old->service, "web");
    EXPECT_EQ(old->rules, rules);
    EXPECT_GE(wall_now() - first, 200ms);
}

TEST_F(ArchiveTest, TellsAFailureOnceUntilItIsOver) {
    const std::string name = rotated_name(wall_now());
    ASSERT_EQ(::symlink("nowhere", at(name).c_str()), 0);
    rules.compress = config::Log::Compression::Zstd;
    archive.tend("web", rules);
    EXPECT_TRUE(std::holds_alternative<Archive::Problem>(next_notice()));
    // The second failure is not told: were it, its notice would come before that of the third.
    archive.tend("web", rules);
    archive.tend("web", rules);
    ASSERT_EQ(::unlink(at(name).c_str()), 0);
    write_file(at(name), "text\n");
    archive.tend("web", rules);
    wait_for({name + ".zst"});
    EXPECT_TRUE(archive.take_notices().empty());
    const std::string second = rotated_name(wall_now());
    ASSERT_EQ(::symlink("nowhere", at(second).c_str()), 0);
    archive.tend("web", rules);
    EXPECT_TRUE(std::holds_alternative<Archive::Problem>(next_notice()));
}

TEST_F(ArchiveTest, ForgetsADeadline) {
    const std::string kept = write_rotated(wall_now());
    rules.max_age = 200ms;
    archive.tend("web", rules);
    archive.forget("web");
    // One that is due later has its turn, and the other was left alone.
    std::filesystem::create_directory(dir / "other");
    StampWriter stamps;
    write_file(dir / "other/current", std::string(stamps.text(wall_now())) + " stdout F hello\n");
    rules.max_age = 400ms;
    archive.tend("other", rules);
    next_notice();
    EXPECT_EQ(rotated_in(folder), std::vector<std::string>{kept});
}

TEST_F(ArchiveTest, NobodyWaitsForAHugeCompression) {
    const std::string name = write_rotated(wall_now());
    ASSERT_EQ(::truncate(at(name).c_str(), off_t{1} << 40), 0);
    rules.compress = config::Log::Compression::Zstd;
    {
        Archive other(dir.path());
        other.tend("web", rules);
        char events[4096];
        pollfd changed{watch.get(), POLLIN, 0};
        ASSERT_EQ(::poll(&changed, 1, kPatienceMs), 1) << "it does not begin";
        while (::read(watch.get(), events, sizeof events) > 0) {
        }
    }
    EXPECT_EQ(rotated_in(folder).back(), name);
}

}  // namespace
}  // namespace reeve::log
