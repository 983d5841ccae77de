#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"

namespace reeve::config {

using Environment = std::map<std::string, std::string>;

/// A text with its variables filled in, and one Misread for each that could not be.
struct Expanded {
    std::string text;
    std::vector<Misread> misread;
};

/// Fills in ${NAME}, ${NAME:-default} and $$; any other $ stays. ${SERVICE} is `service` and
/// ${INSTANCE} what that has behind its @; each is an error where there is none. Knows the
/// environment by no other way than the argument.
Expanded expand(std::string_view text, const Environment& environment,
                std::optional<std::string_view> service);

/// Whether a text depends on the service that it stands in.
bool mentions_service(std::string_view text);

}  // namespace reeve::config
