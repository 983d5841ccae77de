#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ctl/log_line.h"
#include "ctl/log_text.h"

namespace reeve::ctl {

/// Reads one file record by record from an offset on, up to a limit or for as long as it grows.
/// Gives whole records only: one whose newline is not there yet is not read.
class RecordReader {
  public:
    /// The text has to outlive this.
    RecordReader(LogText& text, std::uint64_t offset) : text_(&text), offset_(offset) {}

    void limit(std::uint64_t end) { end_ = end; }
    void lift_limit() { end_.reset(); }

    /// The next record without its newline, valid until the next call; nothing when there is none
    /// yet.
    Result<std::optional<std::string_view>> next();

    /// Forgets what it has read ahead and goes on at an offset.
    void seek(std::uint64_t offset);

    /// How far whole records have been read.
    std::uint64_t offset() const { return offset_ + begin_; }
    LogText& text() const { return *text_; }

  private:
    LogText* text_;
    std::uint64_t offset_;  ///< of the buffer's first byte in the text
    std::optional<std::uint64_t> end_;
    std::string buffer_;
    std::size_t begin_ = 0;     ///< of the next record in the buffer
    std::size_t searched_ = 0;  ///< no newline between begin_ and here
};

/// A line held in memory while its parts come in.
inline constexpr std::size_t longest_line = 16u << 20;

/// Makes lines of records: joins the parts of long ones, stream by stream.
class LineJoiner {
  public:
    /// The line that the record completes, if any. A line that is too long to be held comes in
    /// pieces.
    std::optional<LogLine> add(std::string_view record);

  private:
    std::array<std::string, 2> parts_;
};

}  // namespace reeve::ctl
