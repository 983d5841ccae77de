#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "ctl/protocol/call.h"
#include "ctl/protocol/status.h"

/// What a supervisor says without being asked each time.
namespace reeve::protocol {

/// What a request is known by in its reply: chosen by the client, a number or a string.
using Id = std::variant<std::int64_t, std::string>;

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

/// What happened, to one who has subscribed. `seq` goes up by one with each; those that do not
/// count (Snapshot, Lost) have that of the last event before them.
struct Event {
    enum class Kind {
        Snapshot,       ///< not what happened but what is
        State,          ///< a service came into another state, or into the same for another reason
        Removed,        ///< a service is gone, the configuration no longer has it
        Configuration,  ///< it was read again: `cause` says what came of it
        Shutdown,       ///< everything is being stopped: `cause` says why
        Lost,           ///< `missed` events were not sent, as too many were unread
    };
    std::uint64_t seq = 0;
    WallTime time;
    Kind kind = Kind::State;
    std::string service;        ///< of Snapshot, State and Removed
    std::optional<State> from;  ///< of State
    State to = State::Stopped;  ///< of Snapshot and State
    std::string cause;
    std::optional<pid_t> pid;
    std::uint64_t missed = 0;  ///< of Lost

    bool operator==(const Event&) const = default;
};

std::string_view to_string(Event::Kind kind);

struct EventList {
    std::vector<Event> events;  ///< oldest first

    bool operator==(const EventList&) const = default;
};

}  // namespace reeve::protocol
