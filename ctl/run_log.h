#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace reeve::ctl {

/// The last lines that a service wrote during one run.
struct RunLog {
    std::optional<std::vector<std::string>> lines;  ///< nothing: not to be had
    std::string remark;                             ///< why there are none, for people
    bool missing = false;                           ///< there is no log at all

    bool operator==(const RunLog&) const = default;
};

/// "there is no log of it in PATH"
std::string no_log_in(const std::string& path);

/// Reads them from LOG_DIR/NAME: the last `most` of those from `from` on and not after `to`.
RunLog read_run_log(const std::string& log_dir, const std::string& service,
                    std::optional<WallTime> from, std::optional<WallTime> to, std::uint64_t most);

}  // namespace reeve::ctl
