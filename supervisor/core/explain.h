#pragma once

#include <string_view>
#include <vector>

#include "supervisor/core/units.h"

/// Why a service is in its state, as far as others are the reason: read off the same neighbours
/// that the engine decides by. Pure; changes nothing.
namespace reeve::core {

/// One service in a chain of causes. `relation` is what it is to the one above: "requires", "wants"
/// ...; empty for the first. A service stands in a chain once.
struct Reason {
    ServiceId service;
    std::string_view relation;
    std::vector<Reason> because;  ///< those that hold it up
};

/// The chain from a service down to whoever is the reason in the end.
Reason reason_of(const Units& units, const Unit& unit);

/// Who waits for a service now, for itself or through others, in order of name.
std::vector<ServiceId> waiting_for(const Units& units, const Unit& unit);

/// Who requires a service, directly or not, in order of name.
std::vector<ServiceId> dependents_of(const Units& units, const Unit& unit);

}  // namespace reeve::core
