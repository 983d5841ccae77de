// What is in the spool is written once, wherever and however often the reader is killed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include "supervisor/log/log_file.h"
#include "supervisor/log/spool.h"
#include "tests/unit/log/feeder.h"
#include "tests/unit/log/spool_fixture.h"
#include "tests/unit/log/support.h"

namespace reeve::log {
namespace {

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
