#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

/// Single processes, as /proc tells of them.
namespace reeve::os {

/// One process as it was when looked at. Number and start time together name it for good.
struct ProcessEntry {
    pid_t pid = 0;
    pid_t ppid = 0;
    pid_t pgrp = 0;
    pid_t session = 0;
    std::uint64_t start_time = 0;  ///< clock ticks since boot
    char state = '?';
    int threads = 0;
    Duration cpu{};          ///< its own and that of the children it has waited for
    std::uint64_t rss = 0;   ///< bytes
    bool executing = false;  ///< has no arguments yet; so looks who may not be asked for them
    std::string comm;

    /// Not a mere zombie. A process whose first thread has ended but others run shows as one.
    bool live() const;
};

/// What stands in /proc/PID/stat; nothing if it is not that.
std::optional<ProcessEntry> parse_stat(std::string_view text);

/// Nothing if there is no such process.
std::optional<ProcessEntry> read_process(pid_t pid);

/// The value of a variable in the environment that a process was given when it was executed;
/// nothing if it has none of that name, has overwritten it, or may not be asked.
std::optional<std::string> environment_value(pid_t pid, std::string_view name);

/// The arguments of a process with blanks between them; its name in brackets if it has none.
std::string command_line(const ProcessEntry& process);

/// Sends through a pidfd, having made sure that it is still the process that was seen; errno ESRCH
/// if not.
Result<> signal_process(const ProcessEntry& process, int signal);

/// What a set of processes used together when they were looked at.
struct TreeUsage {
    std::uint64_t rss = 0;  ///< bytes; pages that they share count for each
    Duration cpu{};
    int tasks = 0;  ///< threads
};
TreeUsage tree_usage(std::span<const ProcessEntry> processes);

}  // namespace reeve::os
