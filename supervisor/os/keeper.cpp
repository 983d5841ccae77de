#include "supervisor/os/keeper.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <string>
#include <string_view>

#include "supervisor/os/keeper/record.h"
#include "supervisor/os/program_image.h"

#ifdef REEVE_KEEPER_FILE
asm(R"(
    .section .rodata
    .global reeve_keeper_begin
    .global reeve_keeper_end
    .balign 16
reeve_keeper_begin:
    .incbin ")" REEVE_KEEPER_FILE R"("
reeve_keeper_end:
    .previous
)");
extern "C" const char reeve_keeper_begin[], reeve_keeper_end[];
#endif

namespace reeve::os {

namespace {

std::string_view program() {
#ifdef REEVE_KEEPER_FILE
    return {reeve_keeper_begin, static_cast<std::size_t>(reeve_keeper_end - reeve_keeper_begin)};
#else
    return {};
#endif
}

Ended ended(const KeeperRecord& record) {
    Ended ended;
    ended.pid = record.pid;
    ended.status = record.code == CLD_EXITED
                       ? ExitStatus::exited(record.status)
                       : ExitStatus::killed(record.status, record.code == CLD_DUMPED);
    ended.usage = {std::chrono::microseconds(record.user_us),
                   std::chrono::microseconds(record.system_us),
                   static_cast<std::uint64_t>(record.max_rss_kib) * 1024};
    return ended;
}

}  // namespace

Result<Fd> make_keeper_image() {
    if (program().empty()) return error("cannot make keepers: there are none for this processor");
    return make_program_image("reeve-keeper", program());
}

Result<KeeperPipe> make_keeper_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("cannot make a pipe for a keeper");
    KeeperPipe pipe{Fd(ends[0]), Fd(ends[1])};
    // The keeper's end waits: what it has to report must not be lost.
    fcntl(pipe.reading.get(), F_SETFL, O_NONBLOCK);
    // Of one page, it can be written to by poll's account only when it is empty: so a keeper knows
    // that it was read.
    fcntl(pipe.reading.get(), F_SETPIPE_SZ, 1);
    // A keeper that holds both ends can write though we are gone. Where /proc is not to be had, a
    // successor could not read it anyway.
    const std::string path = "/proc/self/fd/" + std::to_string(pipe.writing.get());
    if (Fd both(open(path.c_str(), O_RDWR | O_CLOEXEC)); both) pipe.writing = std::move(both);
    return pipe;
}

KeeperReports read_reports(int pipe) {
    KeeperReports reports;
    for (;;) {
        std::array<KeeperRecord, 64> records;
        const ssize_t n = read(pipe, records.data(), sizeof records);
        if (n < 0 && errno == EINTR) continue;
        reports.over = n == 0;
        if (n <= 0) return reports;
        const auto count = static_cast<std::size_t>(n) / sizeof(KeeperRecord);
        for (std::size_t i = 0; i < count; ++i) {
            reports.list.push_back({ended(records[i]), records[i].last != 0});
        }
        if (count < records.size()) return reports;
    }
}

Result<Fd> open_reports_of(pid_t keeper) {
    const std::string folder = "/proc/" + std::to_string(keeper);
    const std::string what = "cannot read the reports of keeper " + std::to_string(keeper);
    std::array<char, PATH_MAX> program{};
    const ssize_t size = readlink((folder + "/exe").c_str(), program.data(), program.size());
    if (size < 0) return system_error(what);
    // Until then its descriptors are those of its maker.
    const std::string_view name(program.data(), static_cast<std::size_t>(size));
    if (!name.starts_with("/memfd:reeve-keeper")) return system_error(what, EAGAIN);
    Fd pipe(open((folder + "/fd/0").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!pipe) return system_error(what);
    struct stat status {};
    if (fstat(pipe.get(), &status) != 0 || !S_ISFIFO(status.st_mode)) {
        return system_error(what, EINVAL);
    }
    return pipe;
}

}  // namespace reeve::os
