#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/plan.h"
#include "supervisor/core/engine.h"
#include "supervisor/core/units.h"
#include "supervisor/state/archive.h"
#include "supervisor/state/records.h"

namespace reeve::state {

/// The definition of a service: a configuration file that has it alone, and whom it names, which
/// such a file could not.
struct Definition {
    std::string name;
    std::string text;
    config::Relations relations;
    bool operator==(const Definition&) const = default;
};

/// The services of a plan in its order, by the numbers of their definitions. The rest counts for a
/// successor that cannot read the configuration: what it does for itself it does by its own.
struct PlanRecord {
    std::vector<std::uint64_t> services;
    std::string settings;  ///< a configuration file that has the supervisor's own alone
    std::vector<std::string> files;
    bool operator==(const PlanRecord&) const = default;
};

/// The text of a record, which is a UnitSnapshot, Engine::Snapshot, Run, Command, Definition or
/// PlanRecord: JSON without control characters.
template <typename T>
std::string encode(const T& value, const NumberOf& number_of);

/// The error says which part of it cannot be used.
template <typename T>
Result<T> decode(std::string_view text, const DefinitionOf& definition_of);

}  // namespace reeve::state
