#include "supervisor/log/spool.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/log/spool_fixture.h"
#include "tests/unit/log/support.h"

namespace reeve::log {
namespace {

TEST_F(SpoolTest, HoldsWhatWasReadUntilItIsCommitted) {
    Spool spool = open();
    Slot& slot = *spool.acquire(kUse);
    fill(spool, slot, "a line of more than sixteen bytes\n");
    fill(spool, slot, "few\n");
    EXPECT_EQ(slot.unwritten(), "a line of more than sixteen bytes\nfew\n");
    slot.commit(34);
    EXPECT_EQ(slot.unwritten(), "few\n");
    EXPECT_EQ(slot.room(), kSlotBytes - 4);
}

TEST_F(SpoolTest, HasNoSeamWhereTheRingBegins) {
    Spool spool = open();
    Slot& slot = *spool.acquire(kUse);
    std::string expected;
    for (int i = 0; i < 400; ++i) {
        const std::string piece(997, static_cast<char>('a' + i % 26));
        fill(spool, slot, piece);
        expected += piece;
        if (expected.size() > 60000) {
            ASSERT_TRUE(slot.unwritten() == expected);
            slot.commit(50000);
            expected.erase(0, 50000);
        }
    }
    EXPECT_TRUE(slot.unwritten() == expected);
}

TEST_F(SpoolTest, ReadsNoMoreThanThereIsRoomFor) {
    Spool spool = open();
    Slot& slot = *spool.acquire(kUse);
    const std::string piece(60000, 'x');
    fill(spool, slot, piece);
    fill(spool, slot, piece);
    put(writing.get(), piece);
    EXPECT_EQ(*spool.fill(slot, reading.get(), piece.size()), kSlotBytes - 120000);
    EXPECT_EQ(*spool.fill(slot, reading.get(), piece.size()), 0u);
    EXPECT_EQ(slot.room(), 0u);
}

TEST_F(SpoolTest, AnEmptyPipeFillsNothing) {
    Spool spool = open();
    Slot& slot = *spool.acquire(kUse);
    EXPECT_EQ(*spool.fill(slot, reading.get(), 5), 0u);
    EXPECT_EQ(*spool.fill(slot, reading.get(), 500), 0u);
    EXPECT_EQ(slot.unwritten(), "");
}

TEST_F(SpoolTest, PacketsDoNotConfuseIt) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT), 0);
    const Fd from(ends[0]), to(ends[1]);
    Spool spool = open();
    Slot& slot = *spool.acquire(kUse);
    for (const char* packet : {"ab", "cd", "ef"}) put(to.get(), packet);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(*spool.fill(slot, from.get(), 6), 2u);
    EXPECT_EQ(slot.unwritten(), "abcdef");
}

TEST_F(SpoolTest, ASuccessorFindsWhatWasNotWritten) {
    {
        Spool spool = open();
        Slot& done = *spool.acquire({"done", Source::Out, true, true, 10});
        fill(spool, done, "gone");
        done.commit(4);
        spool.release(done);
        Slot& slot = *spool.acquire(kUse);
        fill(spool, slot, "written\nnot yet\n");
        slot.commit(8);
    }
    Spool spool = open();
    const auto recovery = spool.recover();
    EXPECT_EQ(recovery.damaged, 0u);
    ASSERT_EQ(recovery.found.size(), 1u);
    EXPECT_EQ(recovery.found[0].use, kUse);
    EXPECT_EQ(recovery.found[0].slot->unwritten(), "not yet\n");
    EXPECT_FALSE(recovery.found[0].undo);
}

TEST_F(SpoolTest, ASuccessorGoesOnWithTheSlot) {
    {
        Spool spool = open();
        fill(spool, *spool.acquire(kUse), "begun ");
    }
    Spool spool = open();
    Slot& slot = *spool.recover().found.at(0).slot;
    EXPECT_NE(spool.acquire(kUse), &slot);
    fill(spool, slot, "and ended\n");
    EXPECT_EQ(slot.unwritten(), "begun and ended\n");
    slot.commit(16);
    spool.release(slot);
    EXPECT_EQ(spool.acquire(kUse), &slot);
}

TEST_F(SpoolTest, TheBatchInHandIsUndoneAndNoOther) {
    const FileMark mark{1, 2, 3};
    {
        Spool spool = open();
        Slot& slot = *spool.acquire(kUse);
        fill(spool, slot, "one\ntwo\n");
        slot.arm({1, 2, 0});
        slot.commit(4);
        slot.arm(mark);
    }
    Spool spool = open();
    const auto found = spool.recover().found;
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].undo, mark);
    EXPECT_EQ(found[0].slot->unwritten(), "two\n");
    found[0].slot->disarm();
    EXPECT_FALSE(open().recover().found.at(0).undo);
}

TEST_F(SpoolTest, AnOldIntentMeansNothingInTheNextUseOfASlot) {
    {
        Spool spool = open();
        Slot& slot = *spool.acquire(kUse);
        slot.arm({1, 2, 3});
        spool.release(slot);
        ASSERT_EQ(spool.acquire(kUse), &slot);
        fill(spool, slot, "x");
    }
    EXPECT_FALSE(open().recover().found.at(0).undo);
}

TEST_F(SpoolTest, DescribesAnew) {
    {
        Spool spool = open();
        Slot& slot = *spool.acquire(kUse);
        fill(spool, slot, "x");
        spool.describe(slot, {"web", Source::Err, false, true, 77, true});
    }
    EXPECT_EQ(open().recover().found.at(0).use,
              (SlotUse{"web", Source::Err, false, true, 77, true}));
}

TEST_F(SpoolTest, AFileThatIsNoSpoolIsReplaced) {
    write_file(path, std::string(100000, 'z'));
    EXPECT_TRUE(open().recover().found.empty());
}

TEST_F(SpoolTest, ADamagedSlotCostsThatSlotAlone) {
    {
        Spool spool = open();
        fill(spool, *spool.acquire(kUse), "kept");
        fill(spool, *spool.acquire({"db", Source::Out, true, false, 5}), "lost");
    }
    const std::size_t name = read_headers().find("db");
    ASSERT_NE(name, std::string::npos);
    write_at(name, "..");
    Spool spool = open();
    const auto recovery = spool.recover();
    EXPECT_EQ(recovery.damaged, 1u);
    ASSERT_EQ(recovery.found.size(), 1u);
    EXPECT_EQ(recovery.found[0].slot->unwritten(), "kept");
}

TEST_F(SpoolTest, GarbageIsNeverFollowed) {
    {
        Spool spool = open();
        for (int i = 0; i < 8; ++i) fill(spool, *spool.acquire(kUse), "some bytes");
    }
    const std::string sound = read_headers();
    std::minstd_rand random(7);
    for (int round = 0; round < 200; ++round) {
        std::string bytes = sound;
        for (int i = 0; i < 300; ++i) {
            bytes[4096 + random() % (8 * 256)] = static_cast<char>(random());
        }
        write_at(0, bytes);
        Spool spool = open();
        const auto recovery = spool.recover();
        std::size_t total = 0;
        for (const auto& found : recovery.found) {
            for (const char c : found.slot->unwritten()) total += static_cast<unsigned char>(c);
        }
        EXPECT_LE(recovery.found.size() + recovery.damaged, kMaxSlots) << total;
        ASSERT_NE(spool.acquire(kUse), nullptr);
    }
}

TEST_F(SpoolTest, SlotsRunOutAndComeBack) {
    Spool spool = open();
    std::vector<Slot*> slots;
    while (Slot* slot = spool.acquire(kUse)) slots.push_back(slot);
    EXPECT_EQ(slots.size(), kMaxSlots);
    EXPECT_FALSE(spool.take_problem());
    spool.release(*slots[7]);
    EXPECT_EQ(spool.acquire(kUse), slots[7]);
    EXPECT_EQ(spool.acquire(kUse), nullptr);
}

TEST_F(SpoolTest, AFullFileSystemIsToldOnceAndWorkGoesOnInMemory) {
    on_small_tmpfs(dir.path(), "300k", [&] {
        Spool spool = open();
        Slot* first = spool.acquire(kUse);
        Slot* second = spool.acquire(kUse);
        EXPECT_TRUE(spool.take_problem());
        EXPECT_NE(spool.acquire(kUse), nullptr);
        EXPECT_FALSE(spool.take_problem());
        ASSERT_NE(second, nullptr);
        fill(spool, *second, "in memory\n");
        fill(spool, *first, "in the file\n");
        EXPECT_EQ(second->unwritten(), "in memory\n");
        Spool successor = open();
        const auto found = successor.recover().found;
        ASSERT_EQ(found.size(), 1u);
        EXPECT_EQ(found[0].slot->unwritten(), "in the file\n");
    });
}

TEST_F(SpoolTest, IsRemovedOnlyWhenNothingIsInIt) {
    Spool spool = open();
    Slot& slot = *spool.acquire(kUse);
    fill(spool, slot, "x");
    spool.discard();
    EXPECT_TRUE(std::filesystem::exists(path));
    slot.commit(1);
    spool.release(slot);
    spool.discard();
    EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace reeve::log
