#pragma once

#include <string>
#include <vector>

#include "supervisor/core/engine.h"

/// What an event would lead to, found out by the engine itself on a copy of it.
namespace reeve::core {

/// One thing that would be done to a service, and the cause that the engine gives for it.
struct RehearsedStep {
    enum class Kind { Stop, Start, Reload, Remove };
    std::string service;
    Kind kind = Kind::Start;
    std::string cause;
    bool operator==(const RehearsedStep&) const = default;
};

struct Rehearsal {
    std::vector<RehearsedStep> steps;  ///< in order
    std::vector<Outcome> outcomes;     ///< what the request would be answered with
    std::vector<std::string> also;     ///< those that it would touch though it does not name them
};

/// Plays an event, in a world where every process does at once what it is told: it becomes ready,
/// ends on the first signal, its commands succeed. What is under way already comes to its end
/// first. `request` is the event's own; without a reply the event was none that is answered.
Rehearsal rehearse(Engine engine, const Event& event, RequestId request, Time now);

}  // namespace reeve::core
