#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ctl/service_log.h"

namespace reeve::ctl {

/// One line and whose it is.
struct NamedLine {
    const std::string* service = nullptr;
    LogLine line;
};

/// A service and which lines of its log are wanted.
struct LogChoice {
    std::string service;
    LogQuery query;
};

/// The logs of several services as one, in order of time.
class LogMerge {
  public:
    /// The number of lines in the queries is the same for all, and stands for all together.
    static Result<LogMerge> open(const std::string& log_dir, const std::vector<LogChoice>& choices);

    using Emit = std::function<void(const NamedLine&)>;

    /// Gives out the history. Stops early when `emit` says that nobody listens any more.
    Result<void> history(const std::function<bool(const NamedLine&)>& emit);

    /// After the history: what a service has written since.
    Result<void> catch_up(const std::string& service, const Emit& emit);

    /// Those that have no log at all.
    const std::vector<std::string>& without_log() const { return without_log_; }

    /// What is wrong with files that could not be read and were passed over.
    std::vector<std::string> damages() const;

  private:
    struct Source {
        std::string service;
        ServiceLog log;
    };

    std::vector<Source> sources_;
    std::vector<std::string> without_log_;
    std::uint64_t surplus_ = 0;
};

}  // namespace reeve::ctl
