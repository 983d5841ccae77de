// When files are rotated and what becomes of them, from the log thread to that of the archive.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "supervisor/log/collector.h"
#include "tests/unit/log/collector_fixture.h"
#include "tests/unit/log/feeder.h"

namespace reeve::log {
namespace {

using Records = std::vector<std::string>;

struct CollectorRotationTest : CollectorTest {
    /// Until the condition holds, which is about the files in a folder.
    static void wait_in(const std::string& folder, const std::function<bool()>& condition) {
        const Fd watch(::inotify_init1(IN_CLOEXEC));
        ::inotify_add_watch(watch.get(), folder.c_str(), IN_DELETE | IN_MOVED_FROM);
        char events[4096];
        while (!condition()) {
            pollfd changed{watch.get(), POLLIN, 0};
            ASSERT_EQ(::poll(&changed, 1, 60'000), 1) << "nothing more happens in " << folder;
            ASSERT_GT(::read(watch.get(), events, sizeof events), 0);
        }
    }
    static void wait_until_empty(const std::string& folder) {
        wait_in(folder, [&] { return std::filesystem::is_empty(folder); });
    }
};

TEST_F(CollectorRotationTest, RotatesWithoutLosingOrSplittingAnything) {
    start();
    const auto ends = open("web", {.max_size = 20000, .max_files = 1000, .max_line = 1000});
    std::string text;
    for (unsigned n = 0; n < 3000; ++n) text += numbered_line(n, 5) + "\n";
    std::thread writer([&] { put(ends.out.get(), text); });
    writer.join();
    drain("web");
    const auto lines = joined(all_files("web"), "stdout");
    EXPECT_EQ(lines.size(), 3000u);
    EXPECT_EQ(first_wrong(lines, 5), lines.size());
    const auto names = rotated_in(logs + "/web");
    EXPECT_GT(names.size(), 10u);
    for (const std::string& name : names) {
        const std::string file = read_file(logs + "/web/" + name);
        EXPECT_LE(file.size(), 20000u + 10000u);
        EXPECT_FALSE(joined(file, "stdout").back().ends_with("(unfinished)")) << name;
    }
}

TEST_F(CollectorRotationTest, KeepsToTheSizeAndTheNumberOfFiles) {
    start();
    const auto ends = open("web", {.max_size = 1000, .max_files = 3});
    for (int i = 0; i < 200; ++i)
        put(ends.out.get(), "a line of some length, " + std::to_string(i) + "\n");
    drain("web");
    // A thread of its own removes them, which the kernel tells.
    wait_in(logs + "/web", [&] { return rotated_in(logs + "/web").size() <= 3; });
    const auto names = rotated_in(logs + "/web");
    EXPECT_EQ(names.size(), 3u);
    for (const std::string& name : names) {
        const std::size_t size = read_file(logs + "/web/" + name).size();
        EXPECT_LE(size, 1000u);
        EXPECT_GT(size, 900u);
    }
    EXPECT_TRUE(joined(current("web"), "stdout").back().ends_with(" 199"));
}

TEST_F(CollectorRotationTest, ALineWithoutEndDoesNotGrowAFileForEver) {
    start();
    const auto ends = open("web", {.max_size = 10000, .max_files = 1000, .max_line = 1000});
    std::thread writer([&] { put(ends.out.get(), std::string(100000, 'x')); });
    writer.join();
    drain("web");
    EXPECT_GE(rotated_in(logs + "/web").size(), 4u);
    for (const std::string& name : rotated_in(logs + "/web")) {
        EXPECT_LE(read_file(logs + "/web/" + name).size(), 23000u);
    }
    EXPECT_EQ(joined(all_files("web"), "stdout").at(0).size(), 100000u);
}

TEST_F(CollectorRotationTest, AFileThatIsOldIsRotatedBeforeTheNextLine) {
    StampWriter stamps;
    std::filesystem::create_directories(logs + "/web");
    write_file(logs + "/web/current",
               std::string(stamps.text(WallTime(1000s))) + " stdout F old\n");
    start();
    const auto ends = open("web", {.max_age = 1h});
    put(ends.out.get(), "new\n");
    drain("web");
    EXPECT_EQ(records("web"), Records{"stdout F new"});
}

TEST_F(CollectorRotationTest, AFileThatBecomesOldIsRotatedThoughNothingIsWritten) {
    start();
    const auto ends = open("web", {.max_age = 300ms});
    put(ends.out.get(), "one\n");
    drain("web");
    // What is rotated when its only line is too old is removed for the same reason.
    wait_until_empty(logs + "/web");
    put(ends.out.get(), "two\n");
    drain("web");
    wait_until_empty(logs + "/web");
}

TEST_F(CollectorRotationTest, AFileOfAServiceThatNeverRunsBecomesOldAsWell) {
    StampWriter stamps;
    const std::string folder = logs + "/web";
    std::filesystem::create_directories(folder);
    write_file(folder + "/current", std::string(stamps.text(WallTime(1000s))) + " stdout F old\n");
    start();
    collector->configure("web", {.max_age = 1h});
    wait_in(folder, [&] { return !std::filesystem::exists(folder + "/current"); });
    EXPECT_EQ(rotated_in(folder).size(), 1u);
}

TEST_F(CollectorRotationTest, FilesOfAServiceThatIsRemovedAreLeftAlone) {
    const std::string name = rotated_name(WallTime(1000s));
    for (const char* service : {"/web", "/other"}) {
        std::filesystem::create_directories(logs + service);
        write_file(logs + service + "/" + name, "old\n");
    }
    start();
    collector->configure("web", {});
    collector->remove("web");
    collector->configure("other", {.max_files = 0});
    wait_until_empty(logs + "/other");
    EXPECT_EQ(rotated_in(logs + "/web"), Records{name});
}

}  // namespace
}  // namespace reeve::log
