#pragma once

#include <optional>

#include "base/result.h"
#include "ctl/log_folder.h"
#include "ctl/log_reader.h"
#include "ctl/log_tail.h"

namespace reeve::ctl {

/// Reads the lines between two places of a folder, from file to file.
class LogScan {
  public:
    /// The folder has to outlive this.
    LogScan(LogFolder& folder, const LogStart& start, LogPlace end)
        : folder_(&folder), next_(start.place), end_(end), surplus_(start.surplus) {}

    /// Nothing behind the last one.
    Result<std::optional<LogLine>> next();

    /// Where it stands at the end, for who goes on from there: the file, nothing if there is none,
    /// and the parts of lines that are not whole yet.
    const std::optional<RecordReader>& reader() const { return reader_; }
    const LineJoiner& joiner() const { return joiner_; }

  private:
    Result<bool> next_segment();

    LogFolder* folder_;
    LogPlace next_;            ///< of the file behind the one that is being read
    std::size_t segment_ = 0;  ///< that is being read
    LogPlace end_;
    std::uint64_t surplus_;
    std::optional<RecordReader> reader_;
    LineJoiner joiner_;
};

}  // namespace reeve::ctl
