#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "ctl/log_line.h"

namespace reeve::ctl {

/// Reads one file record by record from an offset on, up to a limit or for as long as it grows.
/// Gives whole records only: one whose newline is not there yet is not read.
class RecordReader {
  public:
    RecordReader(Fd fd, std::uint64_t offset) : fd_(std::move(fd)), offset_(offset) {}

    void limit(std::uint64_t end) { end_ = end; }
    void lift_limit() { end_.reset(); }

    /// The next record without its newline, valid until the next call; nothing when there is none
    /// yet.
    Result<std::optional<std::string_view>> next();

    /// Forgets what it has read ahead and goes on at an offset.
    void seek(std::uint64_t offset);

    /// How far whole records have been read.
    std::uint64_t offset() const { return offset_ + begin_; }
    int fd() const { return fd_.get(); }

  private:
    Fd fd_;
    std::uint64_t offset_;  ///< of the buffer's first byte in the file
    std::optional<std::uint64_t> end_;
    std::string buffer_;
    std::size_t begin_ = 0;     ///< of the next record in the buffer
    std::size_t searched_ = 0;  ///< no newline between begin_ and here
};

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
