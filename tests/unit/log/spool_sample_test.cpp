// What the first version left in its spool is written by every later one. spool-1.zst is the spool
// of a supervisor that was killed while its services waited for a disk: of that file everything
// but a few kilobytes is zeros.
#include <poll.h>
#include <zstd.h>

#include "supervisor/log/spool.h"
#include "tests/unit/log/collector_fixture.h"

namespace reeve::log {
namespace {

using Records = std::vector<std::string>;

void unpack_sample(const std::string& path) {
    const std::string packed = read_file(REEVE_SOURCE_DIR "/tests/unit/log/spool-1.zst");
    std::string spool(ZSTD_getFrameContentSize(packed.data(), packed.size()), '\0');
    ASSERT_EQ(ZSTD_decompress(spool.data(), spool.size(), packed.data(), packed.size()),
              spool.size());
    write_file(path, spool);
}

TEST_F(CollectorTest, LinesInASpoolOfTheFirstVersionAreWritten) {
    unpack_sample(runtime + "/spool");
    start();
    put(open("web").out.get(), " no more\n");
    drain("web");
    drain("db@1");
    EXPECT_EQ(problem_count(), 0u);
    EXPECT_EQ(joined(current("web"), "stdout"), (Records{"one", "unfinished no more"}));
    EXPECT_EQ(joined(current("web"), "stderr"), Records{"two"});
    EXPECT_EQ(records("db@1"), Records{"stdout F of another"});
}

TEST_F(CollectorTest, WhatAKilledPredecessorLeftWaitsUntilItIsKnownWhetherItMayBeLost) {
    unpack_sample(runtime + "/spool");
    write_file(logs, "a file in the way\n");
    start();
    while (!collector->trouble("db@1")) {
        pollfd nothing{-1, 0, 0};
        ::poll(&nothing, 1, 1);
    }
    EXPECT_TRUE(collector->trouble("db@1")->waiting);
    std::filesystem::remove(logs);
    collector->configure("db@1", {});
    drain("db@1");
    EXPECT_EQ(records("db@1"), Records{"stdout F of another"});
}

TEST_F(CollectorTest, TellsWhetherASpoolCanBeTakenOver) {
    EXPECT_TRUE(Collector::can_take_over(runtime));
    unpack_sample(runtime + "/spool");
    EXPECT_TRUE(Collector::can_take_over(runtime));
    start();
    EXPECT_TRUE(Collector::can_take_over(runtime));
    for (const char* name : {"/spool", "/spool-lost"}) {
        const Fd fd(::open((runtime + name).c_str(), O_RDWR | O_CLOEXEC));
        char digit = 0;
        ASSERT_EQ(::pread(fd.get(), &digit, 1, name[6] == '-' ? 11 : 12), 1);
        ASSERT_EQ(digit, '1');
        ASSERT_EQ(::pwrite(fd.get(), "2", 1, name[6] == '-' ? 11 : 12), 1);
        EXPECT_FALSE(Collector::can_take_over(runtime)) << name;
        ASSERT_EQ(::pwrite(fd.get(), "1", 1, name[6] == '-' ? 11 : 12), 1);
    }
    EXPECT_TRUE(Collector::can_take_over(runtime));
}

}  // namespace
}  // namespace reeve::log
