#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "ctl/exit.h"

namespace reeve::ctl {

/// What the caller asked for, as the command line has it.
struct Invocation {
    std::string verb;
    std::optional<std::string> socket;
    bool json = false;
    bool colour = true;
    bool quiet = false;

    std::vector<std::string>
        names;  ///< paths for `check`; --all is "*", or none where that means all
    bool wait = true;
    std::optional<Duration> timeout;
    bool follow = false;
    std::optional<std::uint64_t> lines;
};

/// An answer that takes no verb: --help and --version on stdout, a usage error on stderr.
struct Remark {
    Exit exit = Exit::Done;
    std::string text;
};

/// Reads the arguments behind the program's name.
std::variant<Invocation, Remark> parse_arguments(std::span<const std::string> arguments);

}  // namespace reeve::ctl
