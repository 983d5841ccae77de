#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"

/// What a client can ask: one struct a method. `names`, wherever it occurs, selects services: each
/// is a service's name, a shell glob or "@GROUP".
namespace reeve::protocol {

/// Which protocol this is; a change that breaks clients raises it.
inline constexpr int protocol_version = 1;

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

/// Does something to the services that the names select, at least one. Answered by an Outcome.
struct Command {
    Verb verb = Verb::Start;
    std::vector<std::string> names;
    bool wait = true;                 ///< answer at the outcome, not when it is under way
    std::optional<Duration> timeout;  ///< for how long to wait; nothing: however long it takes

    bool operator==(const Command&) const = default;
};

/// What the same Command would do, in order; nothing is done. Answered by a Rehearsal.
struct Rehearse {
    Verb verb = Verb::Start;
    std::vector<std::string> names;

    bool operator==(const Rehearse&) const = default;
};

/// Sends a signal to the main processes, or to whole trees. Answered by an Outcome.
struct Kill {
    std::vector<std::string> names;
    int signal = SIGTERM;
    bool tree = false;

    bool operator==(const Kill&) const = default;
};

/// Makes failed services stopped ones, and forgets what counts towards backoff and limits.
/// Answered by an Outcome.
struct ResetFailed {
    std::vector<std::string> names;

    bool operator==(const ResetFailed&) const = default;
};

/// Whether services are started at boot, lastingly and whatever their definition says; starts and
/// stops nothing. Answered by an Outcome. The methods are `enable` and `disable`.
struct Enable {
    std::vector<std::string> names;
    bool enabled = true;

    bool operator==(const Enable&) const = default;
};

enum class Until { Ready, Stopped, Failed, Done };

std::string_view to_string(Until until);

/// Waits until each of the services is so, changing nothing. Answered by an Outcome: a service that
/// cannot get there by itself has failed.
struct WaitFor {
    std::vector<std::string> names;
    Until until = Until::Ready;
    std::optional<Duration> timeout;

    bool operator==(const WaitFor&) const = default;
};

/// What reading the configuration again would change. Answered by a ConfigurationDiff.
struct DiffQuery {
    bool operator==(const DiffQuery&) const = default;
};

/// Reads the configuration again, all or nothing. Answered by Applied.
struct Apply {
    bool wait = true;  ///< answer once every service that it concerns has got where it shall be
    std::optional<Duration> timeout;

    bool operator==(const Apply&) const = default;
};

/// The effective definitions of the services that the names select; no names: all. Answered by
/// Definitions.
struct DefinitionQuery {
    std::vector<std::string> names;

    bool operator==(const DefinitionQuery&) const = default;
};

/// Why one service is in its state. Answered by an Explanation.
struct WhyQuery {
    std::string name;

    bool operator==(const WhyQuery&) const = default;
};

/// How the services that the names select failed lately; no names: all. Answered by Failures.
struct FailuresQuery {
    std::vector<std::string> names;

    bool operator==(const FailuresQuery&) const = default;
};

/// When the last runs of the services that the names select began and ended; no names: all. `run`:
/// only that one of each, 0 for the last or present one, -1 for the one before. Answered by Runs.
struct RunsQuery {
    std::vector<std::string> names;
    std::optional<int> run;

    bool operator==(const RunsQuery&) const = default;
};

/// The last things that happened, of so many as are remembered. Answered by EventList.
struct EventsQuery {
    std::optional<std::uint64_t> limit;

    bool operator==(const EventsQuery&) const = default;
};

/// Asks for an Event for every service as it is, and from then on for every change. Answered by
/// Accepted, before the first of them. `history`: so many of the last events come first.
struct Subscribe {
    std::uint64_t history = 0;

    bool operator==(const Subscribe&) const = default;
};

/// Opens log files anew, after somebody moved them. Answered by Accepted.
struct Reopen {
    bool operator==(const Reopen&) const = default;
};

/// Stops everything. Answered by Accepted at once; the connection ends with the supervisor.
struct Shutdown {
    bool operator==(const Shutdown&) const = default;
};

/// Replaces the supervisor's program in place. Answered by Upgraded, by the new one; a Failure is
/// the present one's, which goes on.
struct Upgrade {
    std::optional<std::string> path;  ///< absolute; nothing: where the present one was started from

    bool operator==(const Upgrade&) const = default;
};

/// Answered by VersionInfo.
struct VersionQuery {
    bool operator==(const VersionQuery&) const = default;
};

using Call = std::variant<Hello, StatusQuery, Command, Rehearse, Kill, ResetFailed, Enable, WaitFor,
                          DiffQuery, Apply, DefinitionQuery, WhyQuery, FailuresQuery, RunsQuery,
                          EventsQuery, Subscribe, Reopen, Shutdown, Upgrade, VersionQuery>;

}  // namespace reeve::protocol
