#include "supervisor/os/process_entry.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <utility>

#include "supervisor/os/directory.h"
#include "supervisor/os/pidfd.h"
#include "supervisor/os/proc_file.h"

namespace reeve::os {
namespace {

/// The numbers of /proc/PID/stat that follow the state, one after the other.
class Numbers {
  public:
    explicit Numbers(std::string_view text) : text_(text) {}

    bool ok() const { return ok_; }

    std::int64_t next() {
        while (text_.starts_with(' ')) text_.remove_prefix(1);
        // A start time or limit may need all 64 bits; nothing of use is negative and that large.
        std::int64_t value = 0;
        const auto [end, failed] =
            std::from_chars(text_.data(), text_.data() + text_.size(), value);
        ok_ = ok_ && end != text_.data();
        text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
        return value;
    }
    void skip(int count) {
        for (int i = 0; i < count; ++i) next();
    }

  private:
    std::string_view text_;
    bool ok_ = true;
};

Duration ticks(std::int64_t count) {
    static const std::int64_t per_second = sysconf(_SC_CLK_TCK);
    return std::chrono::nanoseconds(count * (1'000'000'000 / per_second));
}

/// All of a process's environment; nothing if it may not be read.
std::optional<std::string> environment_of(pid_t pid) {
    constexpr std::size_t kMost = 6 << 20;  // the kernel's bound for arguments and environment
    const std::string path = "/proc/" + std::to_string(pid) + "/environ";
    // For a moment within execve the new program has no environment yet. A process that is
    // overlooked then may survive the end of its service, so wait that moment: 50 ms at most.
    bool looked_between = false;
    for (int patience = 100;; --patience) {
        auto environment = read_long_proc_file(path.c_str(), kMost);
        if (!environment || !environment->empty() || patience == 0) return environment;
        const auto process = read_process(pid);
        if (!process || !process->live()) return environment;
        if (!process->executing) {
            // It may have come out of execve between the two looks: only what is empty once more
            // after that is really empty.
            if (std::exchange(looked_between, true)) return environment;
            continue;
        }
        const timespec moment{0, 500'000};
        nanosleep(&moment, nullptr);
    }
}

}  // namespace

bool ProcessEntry::live() const {
    const bool ended = state == 'Z' || state == 'X' || state == 'x';
    return !ended || threads > 1;
}

std::optional<ProcessEntry> parse_stat(std::string_view text) {
    ProcessEntry entry;
    // The name may hold anything, parentheses and blanks too: it ends at the last one.
    const std::size_t open = text.find(" (");
    const std::size_t close = text.rfind(") ");
    if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2 ||
        close + 3 >= text.size()) {
        return std::nullopt;
    }
    const auto pid = decimal(text.substr(0, open));
    if (!pid) return std::nullopt;
    entry.pid = *pid;
    entry.comm = text.substr(open + 2, close - open - 2);
    entry.state = text[close + 2];
    Numbers numbers(text.substr(close + 3));
    entry.ppid = static_cast<pid_t>(numbers.next());
    entry.pgrp = static_cast<pid_t>(numbers.next());
    entry.session = static_cast<pid_t>(numbers.next());
    numbers.skip(7);  // tty_nr to cmajflt
    std::int64_t cpu = 0;
    for (int i = 0; i < 4; ++i) cpu += numbers.next();  // utime, stime, cutime, cstime
    entry.cpu = ticks(cpu);
    numbers.skip(2);  // priority, nice
    entry.threads = static_cast<int>(numbers.next());
    numbers.skip(1);  // itrealvalue
    entry.start_time = static_cast<std::uint64_t>(numbers.next());
    numbers.skip(1);  // vsize
    static const std::int64_t page = sysconf(_SC_PAGESIZE);
    entry.rss = static_cast<std::uint64_t>(numbers.next() * page);
    numbers.skip(26);  // rsslim to env_start
    entry.executing = numbers.next() == 0;
    if (!numbers.ok()) return std::nullopt;
    return entry;
}

std::optional<ProcessEntry> read_process(pid_t pid) {
    std::array<char, 1024> buffer;
    const std::string path = "/proc/" + std::to_string(pid) + "/stat";
    const auto text = read_proc_file(AT_FDCWD, path.c_str(), buffer);
    return text ? parse_stat(*text) : std::nullopt;
}

std::optional<std::string> environment_value(pid_t pid, std::string_view name) {
    const auto environment = environment_of(pid);
    if (!environment) return std::nullopt;
    std::string_view rest = *environment;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\0'), rest.size());
        const std::string_view entry = rest.substr(0, end);
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
            return std::string(entry.substr(name.size() + 1));
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return std::nullopt;
}

std::string command_line(const ProcessEntry& process) {
    constexpr std::size_t kEnough = 4096;
    const std::string path = "/proc/" + std::to_string(process.pid) + "/cmdline";
    std::string text = read_long_proc_file(path.c_str(), kEnough).value_or("");
    while (text.ends_with('\0')) text.pop_back();
    std::replace(text.begin(), text.end(), '\0', ' ');
    return text.empty() ? "[" + process.comm + "]" : text;
}

Result<> signal_process(const ProcessEntry& process, int signal) {
    const auto pidfd = open_pidfd(process.pid);
    if (!pidfd) return pidfd.error();
    // Now that it is held, it cannot become another between this look and the signal.
    const auto now = read_process(process.pid);
    if (!now || now->start_time != process.start_time) {
        return system_error("cannot send " + signal_name(signal), ESRCH);
    }
    return send_signal(pidfd->get(), signal);
}

TreeUsage tree_usage(std::span<const ProcessEntry> processes) {
    TreeUsage usage;
    for (const ProcessEntry& process : processes) {
        usage.cpu += process.cpu;
        if (!process.live()) continue;
        usage.rss += process.rss;
        usage.tasks += process.threads;
    }
    return usage;
}

}  // namespace reeve::os
