// What is missing is counted once, wherever whoever counts is killed.
#include "supervisor/log/ledger.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/log/log_file.h"
#include "supervisor/log/spool_region.h"
#include "tests/unit/log/feeder.h"
#include "tests/unit/log/support.h"

namespace reeve::log {
namespace {

const SlotUse kUse{"web", Source::Err, true, false, 1000};

Spool open_spool(const std::string& path) {
    auto spool = Spool::open(path);
    if (!spool) {
        ADD_FAILURE() << spool.error().text();
        std::abort();
    }
    return std::move(*spool);
}

/// A pipe that has these bytes in it.
struct FullPipe {
    explicit FullPipe(std::string_view bytes) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
        reading.reset(ends[0]);
        writing.reset(ends[1]);
        put(writing.get(), bytes);
    }
    Fd reading, writing;
};

struct LedgerTest : testing::Test {
    TempDir dir;
    std::string path = dir / "spool";
};

TEST_F(LedgerTest, ASuccessorFindsWhatWasCountedAndNotTold) {
    {
        Spool spool = open_spool(path);
        Ledger& ledger = spool.ledger();
        Ledger::Entry& books = ledger.make("web");
        ledger.count({books, {.lost = 7, .over_rate = 2}, Source::Err, {Progress::Skipping, 0}},
                     nullptr, 0);
        ledger.begin_telling({books, {.lost = 3}, Source::Out, {Progress::MidLine, 0}}, nullptr,
                             {});
        ledger.told(nullptr, 0);
        books.set_status({.failing = true, .since = WallTime(5s), .reason = "full"});
        ledger.release(ledger.make("gone"));
    }
    Spool spool = open_spool(path);
    spool.recover();
    ASSERT_EQ(spool.ledger().found().entries.size(), 1u);
    const Ledger::Entry& books = *spool.ledger().found().entries[0];
    EXPECT_EQ(books.service(), "web");
    EXPECT_EQ(books.missing(), (Counts{.lost = 7, .over_rate = 2}));
    EXPECT_EQ(books.untold(), (Counts{.lost = 4, .over_rate = 2}));
    EXPECT_EQ(books.progress(Source::Out), (Progress{Progress::MidLine, 0}));
    EXPECT_EQ(books.progress(Source::Err), (Progress{Progress::Skipping, 0}));
    EXPECT_TRUE(books.status().failing);
    EXPECT_EQ(books.status().since, WallTime(5s));
    EXPECT_EQ(books.status().reason, "full");
}

TEST_F(LedgerTest, MoreServicesThanHaveRoomAreCountedInMemory) {
    on_small_tmpfs(dir.path(), "160k", [&] {
        Spool spool = open_spool(path);
        Ledger& ledger = spool.ledger();
        for (int i = 0; i < 200; ++i) {
            Ledger::Entry& books = ledger.make("web-" + std::to_string(i));
            ledger.count({books, {.lost = 1}}, nullptr, 0);
            EXPECT_EQ(books.untold().lost, 1u);
        }
        Spool successor = open_spool(path);
        successor.recover();
        EXPECT_GT(successor.ledger().found().entries.size(), 0u);
        EXPECT_LT(successor.ledger().found().entries.size(), 200u);
    });
}

TEST_F(LedgerTest, StaysAsLongAsThereIsSomethingToTell) {
    Spool spool = open_spool(path);
    Ledger::Entry& books = spool.ledger().make("web");
    spool.ledger().count({books, {.lost = 1}}, nullptr, 0);
    spool.discard();
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_TRUE(std::filesystem::exists(path + "-lost"));
    spool.ledger().begin_telling({books, books.missing()}, nullptr, {});
    spool.ledger().told(nullptr, 0);
    spool.discard();
    EXPECT_FALSE(std::filesystem::exists(path + "-lost"));
}

TEST_F(LedgerTest, GarbageIsNeverFollowed) {
    {
        Spool spool = open_spool(path);
        for (int i = 0; i < 8; ++i) spool.ledger().make("web-" + std::to_string(i));
    }
    const Fd fd(::open((path + "-lost").c_str(), O_RDWR | O_CLOEXEC));
    std::minstd_rand random(7);
    for (int round = 0; round < 200; ++round) {
        const auto spoil = [&](off_t from, std::size_t bytes) {
            const char garbage = static_cast<char>(random());
            ::pwrite(fd.get(), &garbage, 1, from + static_cast<off_t>(random() % bytes));
        };
        for (int i = 0; i < 40; ++i) spoil(16, 500);
        for (int i = 0; i < 40; ++i) spoil(192 << 10, std::size_t{8} * 384);
        Spool spool = open_spool(path);
        spool.recover();
        std::size_t size = 0;
        for (const auto* books : spool.ledger().found().entries) size += books->service().size();
        EXPECT_LE(size, 160u * 16384u);
    }
}

/// What an older supervisor does, which knows nothing of a ledger, when it takes over.
void take_over_as_an_older_one(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    const std::uint64_t none = kNoPosition;
    for (std::size_t i = 0; i < kMaxSlots; ++i) {
        const std::size_t at = 4096 + i * sizeof(SlotHeader) + offsetof(SlotHeader, fill_pos);
        ASSERT_EQ(::pwrite(fd.get(), &none, sizeof none, static_cast<off_t>(at)), 8);
    }
}

TEST_F(LedgerTest, ChangesOfBeforeAnOlderSupervisorAreNotCarriedOut) {
    const FileMark mark{1, 2, 3};
    {
        Spool spool = open_spool(path);
        Ledger::Entry& books = spool.ledger().make("web");
        spool.ledger().count({books,
                              {.lost = 1, .cut_off = {1, 0}},
                              Source::Out,
                              {Progress::Skipping, Progress::Severed}},
                             nullptr, 0);
        spool.ledger().begin_telling({books, {.lost = 1}}, nullptr, mark);
    }
    {
        Spool spool = open_spool(path);
        spool.recover();
        ASSERT_NE(spool.ledger().found().telling, nullptr);
        EXPECT_EQ(spool.ledger().found().undo, mark);
    }
    take_over_as_an_older_one(path);
    Spool spool = open_spool(path);
    spool.recover();
    EXPECT_EQ(spool.ledger().found().telling, nullptr);
    const Ledger::Entry& books = *spool.ledger().found().entries.at(0);
    EXPECT_EQ(books.untold(), Counts{.lost = 1});
    EXPECT_EQ(books.progress(Source::Out), Progress{});
}

/// Runs `body` in a process that is killed so many instructions after it has called what it is
/// given. False: it was over by then.
bool kill_after(int instructions, const std::function<void(const std::function<void()>&)>& body) {
    const pid_t pid = fork_and([&] {
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(77);
        body([] { ::raise(SIGSTOP); });
        ::raise(SIGSTOP);
    });
    int status = 0;
    ::waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFSTOPPED(status)) << status;
    bool over = false;
    for (int i = 0; i < instructions && !over; ++i) {
        ::ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr);
        ::waitpid(pid, &status, 0);
        over = !WIFSTOPPED(status) || WSTOPSIG(status) == SIGSTOP;
    }
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
    return !over;
}

const std::string kThreeLines = "a line of sixteen\nanother of those\nthe third of them\n";
const std::size_t kTwoLines = kThreeLines.find("the third");

/// A place of its own for each kill, and what is found there.
struct Killed : LedgerTest {
    /// Kills ever later, until nothing is left to be killed.
    void everywhere(const std::function<void(const std::function<void()>&)>& body,
                    const std::function<void()>& check) {
        bool killed = true;
        int kills = 0;
        for (int n = 1; killed && !HasFailure(); n += 1 + n / 40, ++kills) {
            std::filesystem::remove_all(place);
            std::filesystem::create_directory(place);
            path = place + "/spool";
            killed = kill_after(n, body);
            check();
            // Whoever takes over may be killed as well.
            check();
            if (HasFailure()) ADD_FAILURE() << "killed " << n << " instructions later";
        }
        EXPECT_GT(kills, 30);
    }
    /// With three lines in a slot, and five lines that are missing.
    void begin(Spool& spool, Slot*& slot, Ledger::Entry*& books) const {
        const FullPipe pipe(kThreeLines);
        slot = spool.acquire(kUse);
        if (!spool.fill(*slot, pipe.reading.get(), kThreeLines.size())) ::_exit(3);
        books = &spool.ledger().make("web");
        spool.ledger().count({*books, {.lost = 5}, kUse.source}, nullptr, 0);
    }

    // In memory, as a spool is: there are many of them.
    TempDir memory{::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::getenv("TMPDIR")};
    std::string place = memory / "place", logs = place + "/web";
};

TEST_F(Killed, LinesThatAreDroppedAreInTheirSlotOrCounted) {
    std::array<std::size_t, 2> seen{};
    everywhere(
        [&](const auto& ready) {
            Spool spool = open_spool(path);
            Slot* slot = nullptr;
            Ledger::Entry* books = nullptr;
            begin(spool, slot, books);
            ready();
            spool.ledger().count({*books, {.lost = 7}, kUse.source, {Progress::Skipping, 0}}, slot,
                                 kTwoLines);
        },
        [&] {
            Spool spool = open_spool(path);
            const auto found = spool.recover().found;
            const Ledger::Entry& books = *spool.ledger().found().entries.at(0);
            const bool counted = books.missing().lost == 7;
            EXPECT_EQ(books.missing().lost, counted ? 7u : 5u);
            EXPECT_EQ(books.progress(kUse.source).line, counted ? Progress::Skipping : 0);
            ASSERT_EQ(found.size(), 1u);
            EXPECT_EQ(found[0].slot->unwritten(), kThreeLines.substr(counted ? kTwoLines : 0));
            ++seen[counted ? 1 : 0];
        });
    EXPECT_GT(seen[0], 3u);
    EXPECT_GT(seen[1], 3u);
}

TEST_F(Killed, ANoticeWithLinesIsWrittenOnceOrYetToBeTold) {
    std::array<std::size_t, 2> seen{};
    everywhere(
        [&](const auto& ready) {
            Spool spool = open_spool(path);
            Slot* slot = nullptr;
            Ledger::Entry* books = nullptr;
            begin(spool, slot, books);
            LogFile file;
            if (!file.prepare(logs, Time(1s))) ::_exit(4);
            ready();
            slot->arm(file.mark());
            spool.ledger().begin_telling({*books, {.lost = 5}, kUse.source}, slot, file.mark());
            if (!file.append("5 lost\ntwo lines\n")) ::_exit(5);
            spool.ledger().told(slot, kTwoLines);
        },
        [&] {
            Spool spool = open_spool(path);
            const auto found = spool.recover().found;
            ASSERT_EQ(found.size(), 1u);
            const auto undo = found[0].undo;
            EXPECT_TRUE(!undo || LogFile::undo(logs, *undo));
            EXPECT_EQ(spool.ledger().found().telling, nullptr);
            const Ledger::Entry& books = *spool.ledger().found().entries.at(0);
            const bool told = books.untold().lost == 0;
            EXPECT_EQ(books.untold().lost, told ? 0u : 5u);
            EXPECT_EQ(read_file(logs + "/current"), told ? "5 lost\ntwo lines\n" : "");
            EXPECT_EQ(found[0].slot->unwritten(), kThreeLines.substr(told ? kTwoLines : 0));
            ++seen[told ? 1 : 0];
        });
    EXPECT_GT(seen[0], 3u);
    EXPECT_GT(seen[1], 3u);
}

TEST_F(Killed, ANoticeByItselfIsWrittenOnceOrYetToBeTold) {
    std::array<std::size_t, 2> seen{};
    everywhere(
        [&](const auto& ready) {
            Spool spool = open_spool(path);
            Slot* slot = nullptr;
            Ledger::Entry* books = nullptr;
            begin(spool, slot, books);
            LogFile file;
            if (!file.prepare(logs, Time(1s))) ::_exit(4);
            ready();
            spool.ledger().begin_telling({*books, {.lost = 5}, kUse.source}, nullptr, file.mark());
            if (!file.append("5 lost\n")) ::_exit(5);
            spool.ledger().told(nullptr, 0);
        },
        [&] {
            Spool spool = open_spool(path);
            spool.recover();
            const Ledger::Found& found = spool.ledger().found();
            if (found.telling != nullptr) {
                EXPECT_EQ(found.telling, found.entries.at(0));
                EXPECT_TRUE(LogFile::undo(logs, found.undo));
                spool.ledger().drop_telling();
            }
            const bool told = found.entries.at(0)->untold().lost == 0;
            EXPECT_EQ(read_file(logs + "/current"), told ? "5 lost\n" : "");
            ++seen[told ? 1 : 0];
        });
    EXPECT_GT(seen[0], 3u);
    EXPECT_GT(seen[1], 3u);
}

TEST_F(Killed, LinesThatAreThrownAwayAreInTheirPipeOrCounted) {
    std::array<std::size_t, 2> seen{};
    std::optional<FullPipe> pipe(kThreeLines);
    everywhere(
        [&](const auto& ready) {
            Spool spool = open_spool(path);
            Ledger& ledger = spool.ledger();
            Ledger::Entry& books = ledger.make("web");
            ledger.count({books, {.lost = 5}}, nullptr, 0);
            Slot* const bin = ledger.bin(kUse);
            ready();
            if (!spool.fill(*bin, pipe->reading.get(), kThreeLines.size())) ::_exit(4);
            ledger.count({books, {.lost = 8}, kUse.source, {0, Progress::Severed}}, bin,
                         kThreeLines.size());
        },
        [&] {
            int left = 0;
            ASSERT_EQ(::ioctl(pipe->reading.get(), FIONREAD, &left), 0);
            Spool spool = open_spool(path);
            spool.recover();
            const Ledger::Entry& books = *spool.ledger().found().entries.at(0);
            const bool taken = left == 0;
            EXPECT_EQ(books.missing().lost, taken ? 8u : 5u);
            EXPECT_EQ(books.progress(kUse.source).cut, taken ? Progress::Severed : 0);
            ++seen[taken ? 1 : 0];
            // For the next one; the second look at this one needs it as it is.
            if (taken && seen[1] % 2 == 0) pipe.emplace(kThreeLines);
        });
    EXPECT_GT(seen[0], 3u);
    EXPECT_GT(seen[1], 3u);
}

}  // namespace
}  // namespace reeve::log
