#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "ctl/protocol/status.h"

/// The one place that knows the wire: JSON-RPC 2.0, one message a line, described for people in
/// docs/protocol.md. Messages are plain structs; the supervisor parses requests and encodes what it
/// answers, the client the other way round. Nothing in here does I/O or throws.
namespace reeve::protocol {

/// Which protocol this is; a change that breaks clients raises it.
inline constexpr int protocol_version = 1;

/// A request beyond this many bytes is refused, one that is nested deeper than that as well.
inline constexpr std::size_t max_request_size = 1u << 20;
inline constexpr std::size_t max_nesting = 32;

/// What a request is known by in its reply: chosen by the client, a number or a string.
using Id = std::variant<std::int64_t, std::string>;

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

// Requests.

/// Who the client is and what it speaks. Answered by Welcome, whatever number it brings.
struct Hello {
    std::string client;
    int protocol = protocol_version;

    bool operator==(const Hello&) const = default;
};

/// Asks for the StatusDocument of the services that the names select; no names: all.
struct StatusQuery {
    std::vector<std::string> names;
    bool resources = false;  ///< fill memory, cpu and tasks
    bool processes = false;  ///< fill processes

    bool operator==(const StatusQuery&) const = default;
};

enum class Verb { Start, Stop, Restart, Reload };

std::string_view to_string(Verb verb);

/// Does something to the services that the names select: at least one name, each a service's, a
/// shell glob or "@GROUP". Answered by an Outcome.
struct Command {
    Verb verb = Verb::Start;
    std::vector<std::string> names;
    bool wait = true;                 ///< answer at the outcome, not when it is under way
    std::optional<Duration> timeout;  ///< for how long to wait; nothing: however long it takes

    bool operator==(const Command&) const = default;
};

/// Stops everything. Answered by Accepted at once; the connection ends with the supervisor.
struct Shutdown {
    bool operator==(const Shutdown&) const = default;
};

/// Answered by VersionInfo.
struct VersionQuery {
    bool operator==(const VersionQuery&) const = default;
};

/// Asks for an Event for every service as it is, and from then on for every change. Answered by
/// Accepted, before the first of them.
struct Subscribe {
    bool operator==(const Subscribe&) const = default;
};

using Call = std::variant<Hello, StatusQuery, Command, Shutdown, VersionQuery, Subscribe>;

struct Request {
    Id id;
    Call call;

    bool operator==(const Request&) const = default;
};

// Replies and notices.

struct Welcome {
    int protocol = protocol_version;
    std::string version;
    pid_t pid = 0;
    std::string runtime_dir;
    std::string log_dir;

    bool operator==(const Welcome&) const = default;
};

/// What became of one service that a Command named.
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

struct Accepted {
    bool operator==(const Accepted&) const = default;
};

struct VersionInfo {
    std::string version;
    int protocol = protocol_version;

    bool operator==(const VersionInfo&) const = default;
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

/// One service that a command touches though it was not named, and why: {"web", Stop, "requires
/// db"}.
struct Touch {
    std::string service;
    Verb verb = Verb::Stop;
    std::string cause;

    bool operator==(const Touch&) const = default;
};

/// The notice that comes before anything happens when a command touches more than it named.
struct Touches {
    Id request;
    Verb verb = Verb::Stop;  ///< what was asked for
    std::vector<Touch> services;

    bool operator==(const Touches&) const = default;
};

/// What happened, or with the kind Snapshot what is, to one who has subscribed. `seq` counts what
/// happened; a snapshot has that of the last event before it.
struct Event {
    enum class Kind { Snapshot, State };
    std::uint64_t seq = 0;
    WallTime time;
    Kind kind = Kind::State;
    std::string service;
    std::optional<State> from;  ///< nothing for a snapshot
    State to = State::Stopped;
    std::string cause;
    std::optional<pid_t> pid;

    bool operator==(const Event&) const = default;
};

// The supervisor's direction. Every encoded message ends in its newline.

/// Why a line is no request, and the id to answer it with if one could be read.
struct Refusal {
    std::optional<Id> id;
    Failure failure;
};

/// One line, without or with its newline.
boost::system::result<Request, Refusal> parse_request(std::string_view line);

std::string encode_result(const Id& id, const Welcome& welcome);
std::string encode_result(const Id& id, const StatusDocument& document);
std::string encode_result(const Id& id, const Outcome& outcome);
std::string encode_result(const Id& id, const Accepted& accepted);
std::string encode_result(const Id& id, const VersionInfo& version);
std::string encode_error(const std::optional<Id>& id, const Failure& failure);
inline std::string encode_error(const Refusal& refusal) {
    return encode_error(refusal.id, refusal.failure);
}
std::string encode_touches(const Touches& touches);
std::string encode_event(const Event& event);

// The client's direction.

std::string encode_request(const Request& request);

/// What answers a request that is answered by T. Failures of the line as such have no id.
template <typename T>
struct Reply {
    std::optional<Id> id;
    std::variant<T, Failure> body;
};

/// A line from a supervisor, for who awaits the reply to a request answered by T: Welcome,
/// StatusDocument, Outcome, Accepted or VersionInfo. Members and notifications that are not known
/// are passed over: a newer supervisor may have more to say.
template <typename T>
Result<std::variant<Reply<T>, Touches>> parse_answer(std::string_view line);

/// An Outcome as `--json` prints it; no newline.
std::string to_json(const Outcome& outcome);

[[noreturn]] inline void throw_exception_from_error(const Refusal& refusal,
                                                    const boost::source_location&) {
    throw std::logic_error("unchecked refusal: " + refusal.failure.message);
}

}  // namespace reeve::protocol
