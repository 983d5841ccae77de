#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::ctl {

/// Tells when something happened in the log folders of services, without ever asking: the kernel
/// wakes it. Sees folders come and go.
class LogWatch {
  public:
    /// Services are told apart by their names, which are those of their folders in LOG_DIR.
    static Result<LogWatch> start(const std::string& log_dir,
                                  const std::vector<std::string>& services);

    /// Blocks until something was written, rotated or made for at least one service, and says for
    /// which. Nobody, once whoever reads from `out` has gone, or `until` has come.
    Result<std::set<std::string>> wait(int out, std::optional<WallTime> until);

  private:
    LogWatch(Fd fd, std::string log_dir) : fd_(std::move(fd)), log_dir_(std::move(log_dir)) {}

    Result<std::set<std::string>> read_events();
    void watch(const std::string& service);

    Fd fd_;
    std::string log_dir_;
    int root_ = -1;
    std::set<std::string> services_;
    std::map<int, std::string> watched_;
};

}  // namespace reeve::ctl
