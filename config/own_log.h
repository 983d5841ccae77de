#pragma once

#include <string_view>

namespace reeve::config {

/// As the file of the supervisor's own log: the syslog daemon.
inline constexpr std::string_view kSyslog = "syslog";

}  // namespace reeve::config
