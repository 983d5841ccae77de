#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace reeve::config {

enum class Severity { Error, Warning };

/// One thing that is wrong with a configuration: where, with which key (such as
/// "services.web.command", empty for a whole file), and what to do about it.
struct Problem {
    Severity severity = Severity::Error;
    SourcePosition position;
    std::string path;
    std::string what;
    std::string what_to_do;

    bool operator==(const Problem&) const = default;
};

/// "FILE:LINE:COLUMN: error: PATH: what; what to do", one line whatever the texts contain.
std::string to_line(const Problem& problem);

/// "FILE:LINE:COLUMN", for messages that name a second place.
std::string place_of(const SourcePosition& position);

/// Text from a file as a message shows it: in quotes, shortened when it is long.
std::string quote(std::string_view text);

/// `first`, `second` and `third`, for messages.
std::string enumerate(const std::vector<std::string_view>& words, std::string_view last_joint);

/// Why a text is not what its place asks for. Whoever knows the place makes a Problem of it.
struct Misread {
    std::string what;
    std::string what_to_do;
};

template <typename T>
using Parsed = boost::system::result<T, Misread>;

/// Asked for by boost::system::result when value() is called on an error: a programming error.
[[noreturn]] void throw_exception_from_error(const Misread& misread, const boost::source_location&);

}  // namespace reeve::config
