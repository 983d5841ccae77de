#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ctl/log_query.h"
#include "ctl/log_scan.h"

namespace reeve::ctl {

/// The log of one service: first its history, line by line, as it was when it was opened, then, for
/// who follows, what has been written since. Rotation and compression in between lose nothing and
/// double nothing.
class ServiceLog {
  public:
    /// `path` is LOG_DIR/NAME, which need not exist yet.
    explicit ServiceLog(std::string path) : path_(std::move(path)) {}

    /// Looks at what is there, and goes to the first line of it that the query wants. False when
    /// there is no log yet.
    Result<bool> open(const LogQuery& query);

    /// With a number of lines in the query: how many of them are there.
    std::uint64_t lines() const { return lines_; }

    /// What is wrong with files of it that could not be read and were passed over.
    std::vector<std::string> damages() const;

    /// The next line of the history; nothing behind its last one.
    Result<std::optional<LogLine>> next();

    using Emit = std::function<void(const LogLine&)>;

    /// After the history: gives out everything wanted that is there now and was not given out
    /// before.
    Result<void> catch_up(const Emit& emit);

  private:
    Result<LogStart> find_start(LogPlace end);
    Result<void> begin_following(const Emit& emit);
    Result<void> drain(const Emit& emit);
    Result<bool> was_rotated() const;
    Result<void> go_on_behind(const Emit& emit);
    Result<std::size_t> segment_behind_ours(LogFolder& folder) const;
    Result<void> notice_truncation();

    std::string path_;
    LogQuery query_;
    std::unique_ptr<LogFolder> folder_;
    std::optional<LogScan> scan_;         ///< the history
    std::optional<RecordReader> reader_;  ///< behind the history
    LineJoiner joiner_;
    std::uint64_t unwanted_ = 0;
    std::uint64_t lines_ = 0;
    std::string newest_rotated_;  ///< the path of the newest one when the folder was last looked at
    std::string head_;            ///< how the file begins that the reader is in
};

}  // namespace reeve::ctl
