#include "supervisor/os/memory_kills.h"

#include <fstream>

#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

class MemoryKillsTest : public testing::Test {
  protected:
    std::string write(const std::string& name, const std::string& text) {
        std::ofstream(dir_.path() + "/" + name) << text;
        return dir_.path() + "/" + name;
    }

    test::TempDir dir_;
};

TEST_F(MemoryKillsTest, AreThoseSinceTheLastLook) {
    const std::string file = write("memory.events", "low 0\noom 9\noom_kill 3\n");
    MemoryKills kills({file});
    EXPECT_EQ(kills.any_more(), false);
    write("memory.events", "low 0\noom 9\noom_kill 4\n");
    EXPECT_EQ(kills.any_more(), true);
    EXPECT_EQ(kills.any_more(), false);
}

TEST_F(MemoryKillsTest, AreCountedByTheFirstFileThatCounts) {
    const std::string none = write("none", "not_oom_kill 5\noom_kill_group 1\n");
    const std::string vmstat = write("vmstat", "pgfault 1\noom_kill 0\n");
    MemoryKills kills({dir_.path() + "/missing", none, vmstat});
    write("vmstat", "pgfault 1\noom_kill 1\n");
    EXPECT_EQ(kills.any_more(), true);
}

TEST_F(MemoryKillsTest, AreUnknownWhereNothingCounts) {
    MemoryKills kills(std::vector{dir_.path() + "/missing"});
    EXPECT_EQ(kills.any_more(), std::nullopt);
}

TEST_F(MemoryKillsTest, OfThisMachineCanBeRead) { EXPECT_EQ(MemoryKills().any_more(), false); }

}  // namespace
}  // namespace reeve::os
