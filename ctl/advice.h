#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ctl/look.h"

namespace reeve::ctl {

/// Something to type, and what for.
struct Advice {
    std::string purpose;
    std::string command;  ///< without the program's name

    bool operator==(const Advice&) const = default;
};

/// Whether the cause says that there was no process at all: then no log helps.
bool never_ran(std::string_view cause);

/// What tells more of services than their states do: what they wrote, or of those that have no log
/// their definitions.
Advice more_about(bool without_log, const std::string& names);

/// What may be typed next about services that are all in one state, the most useful first.
std::vector<Advice> advice_for(protocol::State state, bool without_log, const std::string& names);

/// A line each, with the commands below one another; on a narrow terminal two lines each. A command
/// is never cut.
std::string render_advice(const std::vector<Advice>& advice, const Look& look);

/// What a state means, to somebody who has never heard of it: what may be said of a service's name,
/// "has failed, and nothing starts it again by itself".
std::string_view meaning(protocol::State state);

}  // namespace reeve::ctl
