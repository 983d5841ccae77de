#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace reeve::ctl {

/// One record of a log file in the CRI format, as views into the line that it was read from:
/// "2026-11-21T00:40:00.123456789Z stdout F the line".
struct CriRecord {
    std::string_view time;
    std::string_view stream;
    bool partial = false;  ///< P: the line goes on in the next record of its stream
    std::string_view text;
};

/// Nothing for a line in any other format. Without its newline.
std::optional<CriRecord> parse_cri(std::string_view line);

/// A whole line that a service wrote; time and stream are empty when its file does not say.
struct LogLine {
    std::string time;
    std::string stream;
    std::string text;

    bool operator==(const LogLine&) const = default;
};

}  // namespace reeve::ctl
