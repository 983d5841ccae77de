#pragma once

#include <boost/json/value.hpp>
#include <string_view>

#include "base/result.h"

namespace reeve::protocol {

/// The JSON value that a line is, nested no deeper than a limit. The error says what is wrong with
/// the text and at which byte.
Result<boost::json::value> parse_json(std::string_view line, std::size_t max_depth);

}  // namespace reeve::protocol
