#pragma once

#include <optional>
#include <vector>

#include "config/plan.h"
#include "config/reader.h"
#include "config/writers.h"

namespace reeve::config {

/// One command or several: "prepare it", [prepare, it], {command: …}, [[prepare], {command: …}].
/// None is [].
std::optional<std::vector<Hook>> read_hooks(Reader& reader, yaml::Value value);

/// As few brackets as say it.
Literal written(As<Kind::Commands>, const std::vector<Hook>& hooks);

}  // namespace reeve::config
