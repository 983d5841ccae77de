#pragma once

#include <optional>
#include <string_view>

#include "config/plan.h"
#include "config/problem.h"

/// From the text of a scalar below `ready` and `health` to its value, as values.h has it.
namespace reeve::config {

/// "http://127.0.0.1:8080/health?full", "http://[::1]/": a GET of plain HTTP from an address, so
/// that no name has to be looked up.
Parsed<HttpCheck> parse_url(std::string_view text);
/// "200", "200-399"; from 100 to 599.
Parsed<StatusRange> parse_status(std::string_view text);
/// Why RE2 does not compile a pattern; nothing if it does.
std::optional<Misread> check_pattern(std::string_view text);

}  // namespace reeve::config
