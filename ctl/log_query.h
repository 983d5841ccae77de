#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/time.h"
#include "ctl/log_line.h"

namespace reeve::ctl {

/// Which lines of a log are wanted.
struct LogQuery {
    std::optional<WallTime> since;       ///< not before
    std::optional<WallTime> until;       ///< before
    std::optional<std::string> stream;   ///< stdout or stderr
    std::shared_ptr<const RE2> pattern;  ///< is in the text of the line; null: whatever it is
    std::optional<std::uint64_t> lines;  ///< the last so many of those

    /// Whether the content of lines decides, and not only when they were written.
    bool asks_for_content() const { return stream || pattern; }

    /// Whether it wants a line, of which there may be too many. One without a time or a stream is
    /// wanted whatever they shall be.
    bool wants(const LogLine& line) const;
};

}  // namespace reeve::ctl
