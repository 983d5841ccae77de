#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "ctl/log_folder.h"
#include "ctl/log_reader.h"

namespace reeve::ctl {

/// The log of one service: first its history, line by line, as it was when it was opened, then, for
/// who follows, what has been written since. Rotation in between loses nothing and doubles nothing.
class ServiceLog {
  public:
    /// `path` is LOG_DIR/NAME, which need not exist yet.
    explicit ServiceLog(std::string path) : path_(std::move(path)) {}

    /// Looks at what is there, or was there at a moment, and goes to the last `lines` of that, or
    /// to the beginning. False when there is no log yet.
    Result<bool> open(std::optional<std::uint64_t> lines,
                      std::optional<WallTime> until = std::nullopt);

    /// With a number of lines given to open(): how many of them are there.
    std::uint64_t lines() const { return lines_; }
    /// Rotated files that next() passes over because they are compressed.
    std::size_t compressed() const { return compressed_; }

    /// The next line of the history; nothing behind its last one.
    Result<std::optional<LogLine>> next();

    using Emit = std::function<void(const LogLine&)>;

    /// After the history: gives out everything that is there now and was not given out before.
    Result<void> catch_up(const Emit& emit);

    const std::string& path() const { return path_; }

  private:
    Result<bool> next_segment();
    Result<void> drain(const Emit& emit);
    Result<bool> was_rotated() const;
    Result<void> go_on_behind(ino_t inode, const Emit& emit);
    Result<void> notice_truncation();
    void begin(Fd fd, std::uint64_t offset);

    std::string path_;
    std::deque<LogSegment> segments_;  ///< of the history, still to be read
    Fd current_;                       ///< the last of them
    std::optional<RecordReader> reader_;
    LineJoiner joiner_;
    std::uint64_t first_offset_ = 0;
    std::uint64_t surplus_ = 0;
    std::uint64_t lines_ = 0;
    std::size_t compressed_ = 0;
    std::string newest_rotated_;  ///< the path of the newest one when the folder was last looked at
    std::string head_;            ///< how the file begins that the reader is in
};

}  // namespace reeve::ctl
