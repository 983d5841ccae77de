#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/literal.h"

namespace reeve::ctl {

/// What `show` knows of one service.
struct ShownService {
    config::Literal status;      ///< as `status --json` has it
    config::Literal definition;  ///< as `cat` has it
};

/// Keys and values, in order: maps are taken apart, with dots between their keys, lists are JSON.
/// No value has control characters in it.
using Properties = std::vector<std::pair<std::string, std::string>>;

Properties properties_of(const ShownService& service);

/// Those of the properties that are one of the keys or below it, in the order of the keys; a key
/// that is not there has an empty value.
Properties picked(const Properties& all, const std::vector<std::string>& keys);

/// What is wrong with a key that no service can ever have; nothing if there is such a key. `status`
/// is one in which no struct is missing.
std::optional<std::string> no_such_property(const std::string& key, const config::Literal& status);

}  // namespace reeve::ctl
