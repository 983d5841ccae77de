#pragma once

#include <string>

namespace reeve::config {

/// The JSON Schema (draft 2020-12) of configuration files, from the tables that the parser uses.
std::string json_schema();

}  // namespace reeve::config
