#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/plan.h"
#include "config/problem.h"

/// From the text of a scalar about how a process is executed to its value, as values.h has it.
namespace reeve::config {

/// "3", "0-3", "0-31:2", "0,4-7": as taskset(1) has it, sorted, none twice.
Parsed<std::vector<int>> parse_cpus(std::string_view text);
/// The number of a capability: "CAP_NET_BIND_SERVICE", "net_bind_service".
Parsed<int> parse_capability(std::string_view text);
/// Its name as capabilities(7) has it.
std::string capability_name(int number);
/// Why a text is no name below a folder, such as "web" or "web/cache"; nothing if it is one.
std::optional<Misread> check_folder(std::string_view text);

}  // namespace reeve::config
