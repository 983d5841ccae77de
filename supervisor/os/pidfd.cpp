#include "supervisor/os/pidfd.h"

// glibc 2.36 declares these without C linkage.
extern "C" {
#include <sys/pidfd.h>
}
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include "supervisor/os/directory.h"
#include "supervisor/os/proc_file.h"
#include "supervisor/os/process_entry.h"

namespace reeve::os {
namespace {

Duration duration(const timeval& t) {
    return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
}

ExitStatus exit_status(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) return ExitStatus::exited(info.si_status);
    return ExitStatus::killed(info.si_status, info.si_code == CLD_DUMPED);
}

/// The system call itself, as it also tells what the child has used.
std::optional<Ended> wait_for(idtype_t type, id_t id, int options) {
    siginfo_t info{};
    rusage usage{};
    long waited = -1;
    do {
        waited = syscall(SYS_waitid, type, id, &info, WEXITED | WNOHANG | options, &usage);
    } while (waited != 0 && errno == EINTR);
    if (waited != 0 || info.si_pid == 0) return std::nullopt;
    const auto max_rss = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    return Ended{info.si_pid,
                 exit_status(info),
                 {duration(usage.ru_utime), duration(usage.ru_stime), max_rss}};
}

ExitStatus exit_status(int code) {
    if (WIFEXITED(code)) return ExitStatus::exited(WEXITSTATUS(code));
    return ExitStatus::killed(WTERMSIG(code), WCOREDUMP(code));
}

/// The kernel's struct pidfd_info in its first size, which Debian 12's headers do not have.
struct PidfdInfo {
    std::uint64_t mask;
    std::uint64_t cgroupid;
    std::uint32_t ids[11];
    std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);
constexpr std::uint64_t kInfoCgroupid = 1 << 2, kInfoExit = 1 << 3;

}  // namespace

Result<Fd> open_pidfd(pid_t pid) {
    Fd fd(pidfd_open(pid, 0));
    if (!fd) return system_error("cannot open process " + std::to_string(pid));
    return fd;
}

Result<> send_signal(int pidfd, int signal) {
    if (pidfd_send_signal(pidfd, signal, nullptr, 0) == 0) return {};
    return system_error("cannot send " + signal_name(signal));
}

bool has_process(int pidfd) {
    return pidfd_send_signal(pidfd, 0, nullptr, 0) == 0 || errno != ESRCH;
}

std::optional<std::uint64_t> cgroup_of(int pidfd) {
    PidfdInfo info{kInfoCgroupid | kInfoExit, 0, {}, 0};
    if (ioctl(pidfd, kPidfdGetInfo, &info) != 0 || (info.mask & kInfoCgroupid) == 0) {
        return std::nullopt;
    }
    return info.cgroupid;
}

void signal_group(int pidfd, int signal) {
    constexpr unsigned to_the_group = 1U << 2;  // PIDFD_SIGNAL_PROCESS_GROUP
    (void)syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, to_the_group);
}

std::optional<ExitStatus> exit_of_reaped(int pidfd) {
    PidfdInfo info{kInfoExit, 0, {}, 0};
    if (ioctl(pidfd, kPidfdGetInfo, &info) != 0 || (info.mask & kInfoExit) == 0) {
        return std::nullopt;
    }
    return exit_status(info.exit_code);
}

std::optional<ExitStatus> exit_of_zombie(pid_t pid, int pidfd) {
    const std::string folder = "/proc/" + std::to_string(pid);
    // Of a zombie there is no such file, which only who may look into it is told.
    std::array<char, 1> program{};
    if (readlink((folder + "/exe").c_str(), program.data(), 1) >= 0 || errno != ENOENT) {
        return std::nullopt;
    }
    std::array<char, 1024> buffer;
    const auto text = read_proc_file(AT_FDCWD, (folder + "/stat").c_str(), buffer);
    const auto process = text ? parse_stat(*text) : std::nullopt;
    if (!process || process->live() || !has_process(pidfd)) return std::nullopt;
    // The last of all.
    const std::string_view line = text->substr(0, text->find_last_of("0123456789") + 1);
    const auto code = decimal(line.substr(line.rfind(' ') + 1));
    return code ? std::optional(exit_status(*code)) : std::nullopt;
}

std::optional<Ended> peek_exit(int pidfd) {
    return wait_for(P_PIDFD, static_cast<id_t>(pidfd), WNOWAIT);
}

std::optional<Ended> peek_exit_of(pid_t child) {
    return wait_for(P_PID, static_cast<id_t>(child), WNOWAIT);
}

bool is_child(pid_t pid) {
    siginfo_t ignored;
    constexpr int look = WEXITED | WNOHANG | WNOWAIT;
    return waitid(P_PID, static_cast<id_t>(pid), &ignored, look) == 0;
}

std::optional<pid_t> take_stopped() {
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WSTOPPED | WNOHANG) != 0 || info.si_pid == 0) return std::nullopt;
    return info.si_pid;
}

std::optional<Ended> peek_any() { return wait_for(P_ALL, 0, WNOWAIT); }

std::optional<Ended> reap(int pidfd) { return wait_for(P_PIDFD, static_cast<id_t>(pidfd), 0); }

std::optional<Ended> reap_any() { return wait_for(P_ALL, 0, 0); }

std::optional<Ended> reap_pid(pid_t child) { return wait_for(P_PID, static_cast<id_t>(child), 0); }

}  // namespace reeve::os
