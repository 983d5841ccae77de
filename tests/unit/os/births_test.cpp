#include "supervisor/os/births.h"

#include <fcntl.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "supervisor/os/process_entry.h"
#include "support.h"

namespace reeve::os {
namespace {

namespace fs = std::filesystem;

class BirthsTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string folder = fs::temp_directory_path() / "reeve-births-XXXXXX";
        ASSERT_NE(mkdtemp(folder.data()), nullptr);
        folder_ = folder;
        file_ = folder_ / "births";
    }
    void TearDown() override {
        if (child_ != 0) {
            kill(child_, SIGKILL);
            waitpid(child_, nullptr, 0);
        }
        fs::remove_all(folder_);
    }
    /// A child that writes its birth there.
    void bear(Birth* birth) {
        auto spawner = Spawner::create();
        SpawnSpec spec;
        spec.argv = {test::kProbe, "wait"};
        spec.stdin_fd = input_.read.get();
        spec.birth = birth;
        const auto result = spawner->spawn(spec);
        ASSERT_TRUE(std::holds_alternative<Spawned>(result));
        child_ = std::get<Spawned>(result).pid;
    }

    fs::path folder_, file_;
    test::Pipe input_ = test::Pipe::make();
    pid_t child_ = 0;
};

TEST_F(BirthsTest, AreKnownToASuccessor) {
    {
        Births births(file_);
        bear(births.expect(7).main);
    }
    const Births births(file_);
    const auto found = births.find(7);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->main.pid, child_);
    EXPECT_EQ(found->main.start_time, read_process(child_)->start_time);
    EXPECT_EQ(found->keeper.pid, 0);
    EXPECT_EQ(births.highest(), 7u);
    EXPECT_FALSE(births.find(8));
}

TEST_F(BirthsTest, AreNotTheirsWhoHaveTheNumberNow) {
    Births births(file_);
    Birth* const birth = births.expect(7).main;
    clock_gettime(CLOCK_BOOTTIME, &birth->moment);
    --birth->moment.tv_sec;
    bear(nullptr);
    birth->pid = child_;
    EXPECT_EQ(births.find(7)->main.pid, child_);
    EXPECT_EQ(births.find(7)->main.start_time, 0u) << "it was born after that was written";
}

TEST_F(BirthsTest, ArePassedOverByWhoComesAfterThem) {
    Births births(file_);
    bear(births.expect(7).main);
    (void)births.expect(7 + 48);
    EXPECT_FALSE(births.find(7));
    EXPECT_EQ(births.find(7 + 48)->main.pid, 0);
}

TEST_F(BirthsTest, OfAFileThatWasCutOffAreForgotten) {
    Births(file_).expect(7);
    for (const std::uintmax_t size : {4095, 4097, 1, 0}) {
        fs::resize_file(file_, size);
        Births births(file_);
        EXPECT_FALSE(births.find(7)) << size;
        EXPECT_EQ(births.highest(), 0u);
        EXPECT_EQ(fs::file_size(file_), 4096u);
        births.expect(7);
    }
}

TEST_F(BirthsTest, OfAnotherBootAreForgotten) {
    Births(file_).expect(7);
    {
        std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(8);
        file << "00000000";
    }
    EXPECT_FALSE(Births(file_).find(7));
}

TEST_F(BirthsTest, AreKnownToASuccessorAlsoOnceTheirFileWasDeleted) {
    {
        Births births(file_);
        EXPECT_FALSE(births.restore().value());
        Birth* const place = births.expect(7).main;
        fs::remove(file_);
        EXPECT_TRUE(births.restore().value());
        bear(place);
    }
    const auto found = Births(file_).find(7);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->main.pid, child_);
}

TEST_F(BirthsTest, AreKnownToUsAloneWhereThereCanBeNoFile) {
    fs::create_directory(file_);
    Births births(file_);
    bear(births.expect(7).main);
    EXPECT_EQ(births.find(7)->main.pid, child_);
    EXPECT_FALSE(Births("").find(7));
}

}  // namespace
}  // namespace reeve::os
