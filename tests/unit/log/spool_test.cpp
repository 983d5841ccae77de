#include "supervisor/log/spool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/log/log_file.h"
#include "tests/unit/log/feeder.h"
#include "tests/unit/log/support.h"

namespace reeve::log {
namespace {

const SlotUse kUse{"web", Source::Err, true, false, 1000};

std::size_t pending(int fd) {
    int n = 0;
    return ::ioctl(fd, FIONREAD, &n) == 0 ? static_cast<std::size_t>(n) : 0;
}

struct SpoolTest : testing::Test {
    SpoolTest() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
        reading.reset(ends[0]);
        writing.reset(ends[1]);
    }
    Spool open() {
        auto spool = Spool::open(path);
        if (!spool) {
            ADD_FAILURE() << spool.error().text();
            std::abort();
        }
        return std::move(*spool);
    }
    void fill(Spool& spool, Slot& slot, std::string_view bytes) {
        put(writing.get(), bytes);
        const auto got = spool.fill(slot, reading.get(), bytes.size());
        ASSERT_TRUE(got);
        ASSERT_EQ(*got, bytes.size());
    }

    std::string read_headers() const {
        std::string bytes(64 << 10, '\0');
        std::ifstream(path, std::ios::binary).read(bytes.data(), std::ssize(bytes));
        return bytes;
    }
    void write_at(std::size_t offset, std::string_view bytes) const {
        const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
                  std::ssize(bytes));
    }

    TempDir dir;
    std::string path = dir / "spool";
    Fd reading, writing;
};

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

/// A reader as small as it can be: pipe, spool, file.
void read_until_complete(const std::string& fifo, const std::string& path, const std::string& place,
                         Shared& shared) {
    const Fd pipe(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    auto spool = Spool::open(path);
    if (!pipe || !spool) ::_exit(4);
    LogFile file;
    StampWriter stamps;
    std::vector<char> out(kSlotBytes * 2);
    Slot* slot = nullptr;
    bool mid_line = false;
    const Cut cut{2000, Tail::Keep};
    for (const auto& found : spool->recover().found) {
        slot = found.slot;
        if (found.undo && !LogFile::undo(place, *found.undo)) ::_exit(5);
        slot->disarm();
    }
    while (true) {
        const bool last = shared.done.load() == 1;
        const std::size_t available = pending(pipe.get());
        if (available > 0) {
            if (slot == nullptr) slot = spool->acquire(kUse);
            if (!spool->fill(*slot, pipe.get(), available)) ::_exit(6);
        }
        while (slot != nullptr && next_record(slot->unwritten(), cut)) {
            if (!file.prepare(place, Time(1s))) ::_exit(7);
            const Framed framed = frame(slot->unwritten(), cut, Source::Out,
                                        stamps.text(WallTime(1s)), mid_line, out);
            slot->arm(file.mark());
            if (!file.append({out.data(), framed.written})) ::_exit(8);
            slot->commit(framed.consumed);
        }
        if (slot != nullptr && slot->unwritten().empty()) {
            spool->release(*slot);
            slot = nullptr;
        }
        if (available > 0) continue;
        if (last) return;
        pollfd waiting{pipe.get(), POLLIN, 0};
        ::poll(&waiting, 1, 1);
    }
}

/// Runs `body` in a process that is killed at the n-th beginning or end of a system call, or
/// `steps` instructions after it. False: it came to its end before that.
bool kill_at(int n, int steps, const std::function<void()>& body) {
    const pid_t pid = fork_and([&] {
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
        ::raise(SIGSTOP);
        body();
    });
    int status = 0;
    ::waitpid(pid, &status, 0);
    for (int i = 0; i < n + steps && WIFSTOPPED(status); ++i) {
        ::ptrace(i < n ? PTRACE_SYSCALL : PTRACE_SINGLESTEP, pid, nullptr, nullptr);
        ::waitpid(pid, &status, 0);
    }
    if (!WIFSTOPPED(status)) {
        EXPECT_EQ(status, 0);
        return false;
    }
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
    return true;
}

/// Each place where a reader of these bytes can be killed, one after the other.
void expect_once_wherever_killed(const std::string& bytes, int steps) {
    const std::vector<std::string> expected = lines_of(bytes);
    Shared& shared = Shared::make();
    shared.done = 1;
    bool killed = true;
    int n = 0;
    while (killed) {
        ++n;
        const TempDir dir;
        const std::string fifo = dir / "fifo", place = dir / "web";
        ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
        const Fd writer(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
        put(writer.get(), bytes);
        const auto read = [&] { read_until_complete(fifo, dir / "spool", place, shared); };
        killed = kill_at(n, steps, read);
        int status = 0;
        ::waitpid(fork_and(read), &status, 0);
        ASSERT_EQ(status, 0);
        ASSERT_EQ(joined(read_file(place + "/current"), "stdout"), expected)
            << "killed at " << n << " and " << steps << " steps";
    }
    EXPECT_GT(n, 30);
    Shared::free(shared);
}

TEST_F(SpoolTest, FewBytesAreWrittenOnceWhereverTheReaderIsKilled) {
    for (const int steps : {0, 6, 40}) expect_once_wherever_killed("a\nbc\n", steps);
}

TEST_F(SpoolTest, ManyBytesAreWrittenOnceWhereverTheReaderIsKilled) {
    std::string bytes;
    for (unsigned n = 0; n < 50; ++n) bytes += numbered_line(n, 9) + "\n";
    for (const int steps : {0, 6, 40}) expect_once_wherever_killed(bytes, steps);
}

TEST_F(SpoolTest, NoLineIsLostOrDoubledHoweverOftenTheReaderIsKilled) {
    const std::string fifo = dir / "fifo", place = dir / "web";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const Fd writer(::open(fifo.c_str(), O_RDWR | O_CLOEXEC));
    Shared& shared = Shared::make();
    const pid_t feeder = fork_and([&] {
        feed(writer.get(), 1, shared.stop, shared.written[0]);
        shared.done = 1;
    });
    const int status = kill_often(
        300, std::chrono::microseconds(3000),
        [&] { read_until_complete(fifo, path, place, shared); }, [&] { shared.stop = true; });
    ::waitpid(feeder, nullptr, 0);
    EXPECT_EQ(status, 0);
    const std::vector<std::string> lines = joined(read_file(place + "/current"), "stdout");
    EXPECT_GT(lines.size(), 0u);
    EXPECT_EQ(first_wrong(lines, 1), lines.size());
    EXPECT_EQ(lines.size(), shared.written[0].load());
    Shared::free(shared);
}

}  // namespace
}  // namespace reeve::log
