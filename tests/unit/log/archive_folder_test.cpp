#include "supervisor/log/archive_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "tests/unit/log/support.h"

namespace reeve::log {
namespace {

const WallTime kNow{1795221600s};

struct ArchiveFolderTest : testing::Test {
    ArchiveFolderTest() { std::filesystem::create_directory(folder); }

    static std::string name(int number) { return rotated_name(kNow - 1h + number * 1s); }

    std::string at(const std::string& file) const { return folder + "/" + file; }

    /// Of a file that was written until its rotation.
    void write_rotated(const std::string& file) {
        write_file(at(file), "the text of " + file + "\n");
        last_written(file, *parse_rotated_name(file));
    }
    void last_written(const std::string& file, WallTime when) {
        const timespec t{std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count(),
                         0};
        const std::array times{t, t};
        ASSERT_EQ(::utimensat(AT_FDCWD, at(file).c_str(), times.data(), 0), 0);
    }

    Tended tend(WallTime now = kNow) { return tend_folder(folder, rules, now, false); }
    Compressed compress() { return compress_folder(folder, stop); }

    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            names.push_back(entry.path().filename());
        }
        std::sort(names.begin(), names.end());
        return names;
    }

    std::string unpacked(const std::string& file) const {
        const std::string packed = read_file(at(file));
        std::string text(1 << 20, '\0');
        const std::size_t size =
            ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
        text.resize(ZSTD_isError(size) != 0 ? 0 : size);
        return text;
    }

    using Names = std::vector<std::string>;
    TempDir dir;
    std::string folder = dir / "web";
    config::Log rules;
    std::atomic<bool> stop{false};
};

TEST_F(ArchiveFolderTest, AFolderThatIsNotThereNeedsNothing) {
    folder = dir / "nowhere";
    rules.max_age = 1h;
    const Tended tended = tend();
    EXPECT_FALSE(tended.problem);
    EXPECT_FALSE(tended.next);
}

TEST_F(ArchiveFolderTest, KeepsTheNewestWhetherPlainOrCompressed) {
    for (int i : {0, 2, 4}) write_rotated(name(i));
    for (int i : {1, 3}) write_rotated(name(i) + ".zst");
    rules.max_files = 3;
    tend();
    EXPECT_EQ(files(), (Names{name(2), name(3) + ".zst", name(4)}));
    rules.max_files = 0;
    tend();
    EXPECT_TRUE(files().empty());
}

TEST_F(ArchiveFolderTest, LeavesFilesOfOthersAlone) {
    const Names others{"@notes.log",    "current",           "readme",
                       name(1) + ".gz", name(1) + ".zst.md", name(1) + ".zst.part"};
    for (const std::string& other : others) write_file(at(other), "mine");
    rules.max_files = 0;
    rules.max_age = 1ns;
    tend();
    compress();
    Names sorted = others;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(files(), sorted);
}

TEST_F(ArchiveFolderTest, RemovesWhatIsTooOldAndSaysWhenTheNextWillBe) {
    write_rotated(name(0));
    write_rotated(name(1) + ".zst");
    write_rotated(name(2));
    rules.max_age = 1h;
    EXPECT_EQ(tend().next, kNow + 1s);
    EXPECT_EQ(files(), (Names{name(1) + ".zst", name(2)}));
    EXPECT_EQ(tend(kNow + 1s).next, kNow + 2s);
    EXPECT_FALSE(tend(kNow + 2s).next);
    EXPECT_TRUE(files().empty());
}

TEST_F(ArchiveFolderTest, AFileIsAsOldAsItsLastLine) {
    write_rotated(name(0));
    last_written(name(0), kNow - 3h);  // nothing came for two hours before it was rotated
    rules.max_age = 2h;
    tend();
    EXPECT_TRUE(files().empty());
    write_rotated(name(0));
    last_written(name(0), kNow + 100h);  // somebody has touched it
    rules.max_age = 1h;
    tend();
    EXPECT_TRUE(files().empty());
}

TEST_F(ArchiveFolderTest, SaysWhenTheFirstLineOfCurrentIsTooOld) {
    StampWriter stamps;
    write_file(at("current"), std::string(stamps.text(kNow - 10min)) + " stdout F hello\n");
    rules.max_age = 1h;
    Tended tended = tend();
    EXPECT_EQ(tended.next, kNow + 50min);
    EXPECT_FALSE(tended.current_is_old);
    tended = tend(kNow + 50min);
    EXPECT_TRUE(tended.current_is_old);
    EXPECT_FALSE(tended.next);
    EXPECT_EQ(files(), Names{"current"});
}

TEST_F(ArchiveFolderTest, CompressesIntoAFileWithTheSameOwnerModeAndTime) {
    write_rotated(name(0));
    ASSERT_EQ(::chmod(at(name(0)).c_str(), 0604), 0);
    if (::geteuid() == 0) {
        ASSERT_EQ(::chown(at(name(0)).c_str(), 12, 34), 0);
    }
    struct stat before {
    }, after{};
    ASSERT_EQ(::stat(at(name(0)).c_str(), &before), 0);
    const Compressed compressed = compress();
    EXPECT_FALSE(compressed.problem) << compressed.problem->text();
    ASSERT_EQ(files(), Names{name(0) + ".zst"});
    EXPECT_EQ(unpacked(name(0) + ".zst"), "the text of " + name(0) + "\n");
    ASSERT_EQ(::stat(at(name(0) + ".zst").c_str(), &after), 0);
    EXPECT_EQ(after.st_mode, before.st_mode);
    EXPECT_EQ(after.st_uid, before.st_uid);
    EXPECT_EQ(after.st_gid, before.st_gid);
    EXPECT_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
}

TEST_F(ArchiveFolderTest, SaysWhetherThereIsSomethingToCompress) {
    write_rotated(name(0));
    EXPECT_FALSE(tend().to_compress);
    rules.compress = config::Log::Compression::Zstd;
    EXPECT_TRUE(tend().to_compress);
    compress();
    EXPECT_FALSE(tend().to_compress);
}

TEST_F(ArchiveFolderTest, GivesOthersATurnAfterAFewFiles) {
    for (int i = 0; i < 20; ++i) write_rotated(name(i));
    EXPECT_TRUE(compress().more);
    EXPECT_FALSE(compress().more);
    for (const std::string& file : files()) EXPECT_TRUE(file.ends_with(".zst")) << file;
}

TEST_F(ArchiveFolderTest, LeavesThePartOfACompressionThatIsUnderWay) {
    const std::string part = "." + name(0) + ".zst.part";
    write_file(at(part), "half a fra");
    tend_folder(folder, rules, kNow, true);
    EXPECT_EQ(files(), Names{part});
}

TEST_F(ArchiveFolderTest, FinishesWhatAKilledPredecessorHasLeft) {
    write_rotated(name(0));
    write_file(at("." + name(0) + ".zst.part"), "half a fra");
    write_rotated(name(1));
    write_rotated(name(1) + ".zst");
    tend();
    EXPECT_EQ(files(), (Names{name(0), name(1) + ".zst"}));
    write_file(at("." + name(0) + ".zst.part"), "half a fra");
    compress();
    EXPECT_EQ(files(), (Names{name(0) + ".zst", name(1) + ".zst"}));
    EXPECT_EQ(unpacked(name(0) + ".zst"), "the text of " + name(0) + "\n");
}

TEST_F(ArchiveFolderTest, BothFormsOfAFileCountOnce) {
    for (int i : {0, 1}) write_rotated(name(i));
    write_rotated(name(0) + ".zst");
    rules.max_files = 2;
    tend();
    EXPECT_EQ(files(), (Names{name(0) + ".zst", name(1)}));
}

TEST_F(ArchiveFolderTest, ACompressionThatIsStoppedLeavesThePlainFileAlone) {
    write_rotated(name(0));
    stop = true;
    EXPECT_FALSE(compress().problem);
    EXPECT_EQ(files(), Names{name(0)});
}

TEST_F(ArchiveFolderTest, WhatCannotBeCompressedIsToldAndTheOthersAre) {
    ASSERT_EQ(::symlink("/etc/passwd", at(name(0)).c_str()), 0);
    write_rotated(name(1));
    ASSERT_TRUE(compress().problem);
    EXPECT_EQ(files(), (Names{name(0), name(1) + ".zst"}));
}

TEST_F(ArchiveFolderTest, AFullDiskLeavesThePlainFileAndNothingElse) {
    on_small_tmpfs(folder, "64k", [this] {
        write_file(at(name(0)), std::string(56 << 10, 'x') + "\n");
        // Nothing is left for the other form.
        write_file(at("ballast"), std::string(16 << 10, 'x'));
        const Compressed compressed = compress();
        ASSERT_TRUE(compressed.problem);
        EXPECT_EQ(compressed.problem->errnum, ENOSPC);
        EXPECT_EQ(files(), (Names{name(0), "ballast"}));
        ::unlink(at("ballast").c_str());
        EXPECT_FALSE(compress().problem);
        EXPECT_EQ(files(), Names{name(0) + ".zst"});
    });
}

}  // namespace
}  // namespace reeve::log
