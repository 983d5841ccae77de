#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "ctl/protocol/status.h"

namespace reeve::ctl {

/// How output for people looks: all that rendering knows of the terminal and of the moment.
struct Look {
    std::size_t width = 0;  ///< columns; 0: as wide as it takes
    bool colour = false;
    bool unicode = false;
    WallTime now{};
    std::string program = "reevectl";  ///< how a hint calls this program, with its -s if it has one
};

enum class Colour { Plain, Bold, Dim, Red, Green, Yellow, Blue, Magenta, Cyan };

/// The text in a colour, when the look has colours at all.
std::string painted(std::string_view text, Colour colour, const Look& look);

Colour colour_of(protocol::State state);

/// The colour that a name keeps wherever it stands before a line of a log.
Colour colour_of_name(std::string_view name);

/// "2026-11-21 00:40:00 UTC", in the caller's time zone.
std::string local_time(WallTime time);

/// What a sentence says of a service in this state: "is running", "is in backoff", "has failed".
std::string predicate(protocol::State state);

/// The two halves of a moment, in the caller's time zone: "2026-11-21" and "00:40:00.123".
std::string local_date(WallTime time);
std::string local_clock(WallTime time);
/// The latter without its decimals.
std::string local_clock_in_seconds(WallTime time);

/// "3 min 20 s", from then to the look's now.
std::string time_since(WallTime then, const Look& look);

/// "exit 1 after 120 ms, 3 min ago".
std::string last_exit_text(const protocol::LastExit& exit, const Look& look);

/// "No space left on device since 10:02:11; 1,234 lines lost", or what was lost before.
std::string log_trouble_text(const protocol::LogTrouble& trouble, const Look& look);

/// How a tree is drawn: what stands before a node, and before whatever is below it.
struct Branch {
    std::string_view node, below;
};

Branch branch(bool last, const Look& look);

/// Whether a service in this state counts as running: LSB's question, not whether all is well.
bool is_running(protocol::State state);

/// Whether a service in this state is down, as one that was stopped is, though nobody stopped it.
bool is_down_otherwise(protocol::State state);

}  // namespace reeve::ctl
