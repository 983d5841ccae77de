#pragma once

#include <csignal>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "ctl/exit.h"
#include "ctl/protocol/call.h"
#include "ctl/verb_table.h"

namespace reeve::ctl {

/// What the caller asked for, as the command line has it.
struct Invocation {
    const VerbInfo* verb = nullptr;  ///< there, once the arguments have been read
    std::optional<std::string> socket;
    bool json = false;
    bool colour = true;
    bool quiet = false;

    /// The words behind the verb: names, or paths. Where --all was said: "*" for a verb that needs
    /// names, nothing for one that takes all without any.
    std::vector<std::string> names;
    bool wait = true;
    std::optional<Duration> timeout;
    bool dry_run = false;
    bool now = false;
    int signal = SIGTERM;
    bool tree = false;
    protocol::Until until = protocol::Until::Ready;
    bool follow = false;
    std::optional<std::uint64_t> last;  ///< how many of the last ones; `everything` for "all"
    std::optional<std::string> since, before;  ///< moments, as they were said
    std::optional<std::string> stream;
    std::optional<std::string> grep;
    std::optional<int> run;
    std::vector<std::string> properties;
    bool values_only = false;

    static constexpr std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();
};

/// How a hint calls this program so that it speaks to the same supervisor: with its -s, if it has
/// one.
std::string program_called_by(const Invocation& invocation);

/// An answer that takes no verb: --help and --version on stdout, a usage error on stderr.
struct Remark {
    Exit exit = Exit::Done;
    std::string text;
};

/// Reads the arguments behind the program's name. Options may stand before the verb, if they are
/// the program's, and anywhere behind it; behind "--" there are none.
std::variant<Invocation, Remark> parse_arguments(std::span<const std::string> arguments);

}  // namespace reeve::ctl
