#pragma once

#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "supervisor/core/action.h"
#include "supervisor/core/event.h"
#include "supervisor/core/units.h"

namespace reeve::core {

/// What is known now of a request's success for one service; nothing: it is still under way.
std::optional<Outcome::Kind> progress(const Unit& unit, Verb verb);

/// An outcome that tells a unit's present state and cause.
Outcome outcome_of(const Unit& unit, Outcome::Kind kind);

/// One that is not answered yet, by value.
struct OpenRequest {
    Requested request;
    std::map<ServiceId, std::optional<Outcome>> outcomes;  ///< nothing: it is still under way
    bool operator==(const OpenRequest&) const = default;
};

/// The requests that somebody waits for, each answered once: when every one of its services has
/// come to an end of some sort, or at its deadline.
class Requests {
  public:
    void open(const Requested& request);
    std::vector<OpenRequest> open_requests() const;
    /// One that another object like this has had open.
    void restore(OpenRequest open);
    /// Enters how it ended for one service; the first word counts.
    void settle(RequestId request, Outcome outcome);
    /// Enters the outcome for every open request of that verb that waits for the unit.
    void settle_all(const Unit& unit, Verb verb, const Outcome& outcome);
    /// Looks at every request that waits for the unit.
    void look_at(const Unit& unit);
    /// Forgets a request, which is never answered then.
    void drop(RequestId request);
    /// Enters for all that is open that it ended like this: nothing more can come of it.
    void end_open(const Units& units, Outcome::Kind kind);
    /// Answers what is complete, and at its deadline what is not.
    void answer(const Units& units, Time now, std::vector<Action>& out);

    std::optional<Time> next_deadline() const;

  private:
    struct Pending : OpenRequest {
        std::size_t open = 0;
    };

    void end(RequestId id, const Units& units, Outcome::Kind kind);
    void close(RequestId id, std::vector<Action>& out);

    std::map<RequestId, Pending> pending_;
    std::unordered_map<ServiceId, std::vector<RequestId>> waiters_;
    std::set<std::pair<Time, RequestId>> deadlines_;
    std::vector<RequestId> complete_;
};

}  // namespace reeve::core
