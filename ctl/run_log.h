#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "ctl/card.h"

namespace reeve::ctl {

/// The last lines that a service wrote during one run.
struct RunLog {
    std::optional<std::vector<std::string>> lines;  ///< nothing: not to be had
    std::string remark;                             ///< why there are none, for people
    bool missing = false;                           ///< there is no log at all

    bool operator==(const RunLog&) const = default;
};

/// Of which run the lines are wanted: those from `from` on and not after `to`.
struct RunToRead {
    std::string service;
    std::optional<WallTime> from, to;
};

/// Reads the last `most` lines of each from LOG_DIR/NAME. A disk that does not answer is waited for
/// a second or so, and remarked on.
std::vector<RunLog> read_run_logs(const std::string& log_dir, const std::vector<RunToRead>& runs,
                                  std::uint64_t most);

/// The last `most` lines of a service, with the same patience. `has_run`: it is worth a remark
/// that there is no log.
LastLines read_last_lines(const std::string& log_dir, const std::string& service, bool has_run,
                          std::uint64_t most);

}  // namespace reeve::ctl
