#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/exit_status.h"
#include "base/time.h"

namespace reeve::protocol {

/// What a service is doing. The names on the wire are these in lower case.
enum class State {
    Stopped,
    Waiting,
    Starting,
    Running,
    Reloading,
    Stopping,
    Backoff,
    Failed,
    Done
};

std::string_view to_string(State state);
std::optional<State> parse_state(std::string_view word);

/// How a service's main process last ended, and after how long. If that was while no supervisor was
/// there, `at` is when one noticed, and how long it ran is not known.
struct LastExit {
    ExitStatus status;
    std::optional<WallTime> at;
    std::optional<Duration> ran;

    bool operator==(const LastExit&) const = default;
};

/// One process of a service's tree; `state` is the letter that /proc/PID/stat shows.
struct Process {
    pid_t pid = 0;
    pid_t ppid = 0;
    std::string command;
    std::string state;

    bool operator==(const Process&) const = default;
};

/// How it is known which processes are a service's. `by`: "cgroup" and "subreaper" are exact,
/// "marks" goes by descent, session and environment, which some processes get away from.
struct Tracking {
    std::string by;
    std::optional<std::string> cgroup;  ///< its path
    std::optional<std::string> why;     ///< it is not the better kind

    bool operator==(const Tracking&) const = default;
};

/// What is or was wrong with a service's log.
struct LogTrouble {
    std::optional<std::string> problem;  ///< why its lines are not written; nothing: they are
    std::optional<WallTime> since;       ///< when that began
    bool waiting = false;                ///< the lines wait for it; false: they are lost
    std::uint64_t lost = 0;              ///< lines that no file took
    std::uint64_t over_rate = 0;         ///< lines dropped as more than the rate allows

    bool operator==(const LogTrouble&) const = default;
};

/// All that is told of one service. What is not known is nothing, and null on the wire.
struct ServiceStatus {
    std::string name;
    std::string description;
    std::string type;
    State state = State::Stopped;
    std::string
        cause;  ///< a person reads it: "exit 1 after 120 ms, 4th time; next start in 800 ms"
    bool ready = false;
    bool enabled = true;
    std::vector<std::string> groups;
    std::optional<pid_t> pid;
    std::optional<WallTime> since;   ///< when it came into this state
    std::optional<Duration> uptime;  ///< of the main process; nothing when there is none
    std::uint64_t restarts = 0;      ///< automatic ones since it was last started by hand
    std::optional<LastExit> last_exit;
    std::optional<std::string> status_text;         ///< STATUS= of sd_notify
    std::optional<std::string> unhealthy;           ///< what its health probe has against it
    std::optional<Tracking> tracking;               ///< nothing when there is no process
    std::optional<LogTrouble> log;                  ///< nothing when no line is missing
    std::optional<std::uint64_t> memory;            ///< bytes
    std::optional<Duration> cpu;                    ///< processor time used so far
    std::optional<std::uint64_t> tasks;             ///< threads
    std::optional<std::vector<Process>> processes;  ///< only when asked for

    bool operator==(const ServiceStatus&) const = default;
};

struct SupervisorStatus {
    std::string version;
    pid_t pid = 0;
    bool stopping = false;
    Duration uptime{};
    std::string runtime_dir;
    std::vector<std::string> config;

    bool operator==(const SupervisorStatus&) const = default;
};

/// The document of `reevectl status --json`, schema 1.
struct StatusDocument {
    SupervisorStatus supervisor;
    std::vector<ServiceStatus> services;

    bool operator==(const StatusDocument&) const = default;
};

/// The document alone, as `reevectl status --json` prints it; no newline.
std::string to_json(const StatusDocument& document);

}  // namespace reeve::protocol
