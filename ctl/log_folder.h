#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "ctl/log_text.h"

namespace reeve::ctl {

/// One file of a service's log.
struct LogSegment {
    std::string path;  ///< of a rotated file, without the ".zst" that it has or will have
    ino_t inode = 0;
    bool compressed = false;
    bool given_up = false;
};

/// A place in the log of a service. The end of all is {number of segments, 0}.
struct LogPlace {
    std::size_t segment = 0;
    std::uint64_t offset = 0;

    auto operator<=>(const LogPlace&) const = default;
};

/// A service's log at one moment: the rotated files, oldest first, and `current` as the last. No
/// file is in it twice and none in between is missing, whatever was rotated or compressed while it
/// was made. What is compressed later is found all the same.
class LogFolder {
  public:
    /// The errno of a failure says whether the folder is missing or closed to the caller.
    static Result<LogFolder> open(const std::string& path);

    const std::vector<LogSegment>& segments() const { return segments_; }
    LogPlace end() const { return {segments_.size(), 0}; }
    /// Whether the last segment is `current`.
    bool has_current() const { return current_ != nullptr; }

    /// The text of a segment, which lasts until another one is asked for and is there; that of
    /// `current` lasts. Null when the file has been deleted or was given up.
    Result<LogText*> text(std::size_t segment);

    /// One compressed file that is damaged must not hide all others: it counts as deleted from now
    /// on, and what is wrong with it is remembered. Gives back an error that is no such damage.
    Result<void> give_up(std::size_t segment, const Error& error);
    /// What was wrong with those that were given up, sentence by sentence.
    const std::vector<std::string>& damages() const { return damages_; }

  private:
    Result<std::unique_ptr<LogText>> open_segment(const LogSegment& segment) const;

    std::vector<LogSegment> segments_;
    std::unique_ptr<LogText> current_;
    std::unique_ptr<LogText> opened_;
    std::size_t opened_segment_ = 0;
    std::vector<std::string> damages_;
};

/// The names of the services that have a folder in LOG_DIR, in order.
Result<std::vector<std::string>> services_with_logs(const std::string& log_dir);

}  // namespace reeve::ctl
