#pragma once

#include <string_view>

#include "config/key.h"

namespace reeve::config {

/// What people and editors are told about a kind of value.
struct KindInfo {
    std::string_view id;      ///< its name in the schema
    std::string_view words;   ///< its name in the reference
    std::string_view schema;  ///< a JSON Schema; empty for those that differ from key to key
};

const KindInfo& info_of(Kind kind);

/// Fragments that the schemas of kinds refer to, by name.
struct SharedSchema {
    std::string_view id;
    std::string_view schema;
};
std::span<const SharedSchema> shared_schemas();
std::span<const Kind> all_kinds();

}  // namespace reeve::config
