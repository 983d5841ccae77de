#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/exit_status.h"
#include "base/time.h"
#include "config/literal.h"
#include "config/problem.h"
#include "ctl/protocol/call.h"
#include "ctl/protocol/status.h"

/// What a supervisor answers: one struct for each kind of result. What is not known is nothing, and
/// null on the wire.
namespace reeve::protocol {

/// error.code: the exit statuses of reevectl for what concerns services, the numbers of JSON-RPC
/// for what concerns the message.
enum class ErrorCode : int {
    Failed = 1,
    NotRunning = 3,
    NoSuchService = 4,
    NotAllowed = 5,
    TimedOut = 7,
    ParseError = -32700,
    InvalidRequest = -32600,
    NoSuchMethod = -32601,
    InvalidParams = -32602,
};

/// A request that was not carried out. The message is a sentence for people and complete; services
/// and nearest are the same for programs.
struct Failure {
    ErrorCode code = ErrorCode::Failed;
    std::string message;
    std::vector<std::string> services;
    std::optional<std::string> nearest;

    bool operator==(const Failure&) const = default;
};

/// The Failure of a name that selects nothing.
Failure no_such_service(std::string name, std::optional<std::string> nearest);

struct Welcome {
    int protocol = protocol_version;
    std::string version;
    pid_t pid = 0;
    std::string runtime_dir;
    std::string log_dir;

    bool operator==(const Welcome&) const = default;
};

struct Accepted {
    bool operator==(const Accepted&) const = default;
};

struct VersionInfo {
    std::string version;
    int protocol = protocol_version;

    bool operator==(const VersionInfo&) const = default;
};

/// The supervisor's program was replaced.
struct Upgraded {
    std::string before;   ///< the version that it was
    std::string version;  ///< that it is now
    pid_t pid = 0;        ///< as before

    bool operator==(const Upgraded&) const = default;
};

/// What became of one service that a command named.
struct CommandResult {
    std::string service;
    std::optional<ErrorCode> failure;  ///< nothing: it was done, or without `wait` is under way
    State state = State::Stopped;
    std::string cause;
    std::optional<pid_t> pid;
    bool changed = true;  ///< false: it was so already, nothing had to be done

    bool operator==(const CommandResult&) const = default;
};

struct Outcome {
    std::vector<CommandResult> results;  ///< the services named, in order of name
    std::vector<std::string> also;       ///< those that were touched for them

    bool operator==(const Outcome&) const = default;
};

/// One thing that would be done to a service, and why: {"web", Stop, "requires db"}.
struct Step {
    enum class Kind { Stop, Start, Reload, Remove };
    std::string service;
    Kind kind = Kind::Start;
    std::string cause;

    bool operator==(const Step&) const = default;
};

std::string_view to_string(Step::Kind kind);

/// What a command would do, in order, if every process did as it is told; `outcome` is what it
/// would answer then.
struct Rehearsal {
    std::vector<Step> steps;
    Outcome outcome;

    bool operator==(const Rehearsal&) const = default;
};

/// One key that differs; null: it is not set there and has its default.
struct KeyChange {
    std::string key;
    config::Literal from, to;

    bool operator==(const KeyChange&) const = default;
};

/// What another configuration means for one service that it changes.
struct DefinitionChange {
    enum class Effect { Live, Restart, Added, Removed };
    std::string service;
    Effect effect = Effect::Live;
    std::vector<KeyChange> keys;  ///< of Live and Restart

    bool operator==(const DefinitionChange&) const = default;
};

std::string_view to_string(DefinitionChange::Effect effect);

/// What reading the configuration again would change. When it is not valid there are only problems.
struct ConfigurationDiff {
    bool valid = true;
    std::vector<config::Problem> problems;  ///< warnings, too
    std::vector<DefinitionChange> services;
    std::vector<KeyChange> supervisor;  ///< of the supervisor's own settings
    std::vector<std::string> not_live;  ///< those of them that take a new start of reeved
    std::vector<Step> steps;            ///< what it would do to services, in order

    bool operator==(const ConfigurationDiff&) const = default;
};

/// What came of an Apply. Its diff has no steps; the outcome names the services that it changed,
/// added or removed, and has none when the configuration is not valid.
struct Applied {
    ConfigurationDiff diff;
    Outcome outcome;

    bool operator==(const Applied&) const = default;
};

/// Effective definitions: each a map of keys as a file would hold it, only with those that are not
/// at their defaults.
struct Definitions {
    std::vector<std::pair<std::string, config::Literal>> services;

    bool operator==(const Definitions&) const = default;
};

/// One service in a chain of causes. `relation` is what it is to the one above it: "requires",
/// "wants", "after" and such; empty for the first.
struct Link {
    std::string service;
    std::string relation;
    State state = State::Stopped;
    std::string cause;
    std::optional<WallTime> since;
    std::optional<Duration> next_start;  ///< until it is started again
    std::optional<Duration> deadline;  ///< until it has had all the time that it gets in its state
    std::optional<LastExit> last_exit;
    std::vector<Link> because;  ///< those that hold it up; each service stands in a chain once
    /// Its last lines, which the client finds in the log; never on the wire.
    std::optional<std::vector<std::string>> lines;

    bool operator==(const Link&) const = default;
};

/// Why a service is in its state: `because` leads down to whoever is the reason in the end.
struct Explanation {
    Link link;
    bool wanted = true;                   ///< whether it shall be up
    bool enabled = true;                  ///< whether it is started at boot
    std::vector<std::string> waiting;     ///< who waits for it now
    std::vector<std::string> dependents;  ///< who requires it, directly or not
    std::optional<LogTrouble> log{};      ///< while its lines are not written

    bool operator==(const Explanation&) const = default;
};

/// One failure: a run that ended otherwise than by `success_exit` and unasked, or that could not be
/// started, or was not ready in time.
struct FailureRecord {
    std::string service;
    std::string cause;
    std::optional<int>
        code;  ///< of code and signal at least one is nothing; both are if it never ran
    std::optional<int> signal;
    bool core = false;
    std::optional<WallTime> started;
    std::optional<WallTime> at;
    std::optional<Duration> ran;
    bool unseen = false;  ///< it ended while no supervisor was there; at `at` that was noticed
    std::optional<Duration> cpu_user, cpu_system;
    std::optional<std::uint64_t> max_rss;  ///< bytes, of its largest process
    std::optional<bool> out_of_memory;     ///< the kernel killed it for want of memory
    /// Its last lines, which the client finds in the log; on the wire only when there.
    std::optional<std::vector<std::string>> lines;

    bool operator==(const FailureRecord&) const = default;
};

struct Failures {
    std::vector<FailureRecord> failures;  ///< oldest first

    bool operator==(const Failures&) const = default;
};

/// One run of a service: from its start, hooks included, to where nothing of it was left.
struct RunRecord {
    std::string service;
    int run = 0;               ///< 0: the last or present one; -1: the one before; and so on
    std::optional<pid_t> pid;  ///< of its main process, gone or not
    std::optional<WallTime> started;
    std::optional<WallTime> ended;  ///< nothing: it is there still
    std::optional<int> code;        ///< of code and signal at least one is nothing
    std::optional<int> signal;
    bool core = false;

    bool operator==(const RunRecord&) const = default;
};

struct Runs {
    std::vector<RunRecord> runs;  ///< service by service, in order of name; oldest first

    bool operator==(const Runs&) const = default;
};

}  // namespace reeve::protocol
