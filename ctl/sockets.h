#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ctl/host.h"

namespace reeve::ctl {

/// Where a supervisor may listen. `by_name`: the caller named it, so it is what they want.
struct SocketPlace {
    std::string path;
    bool by_name = false;
};

/// The places to try, in order; at least one.
std::vector<SocketPlace> socket_places(const Host& host, const std::optional<std::string>& flag);

/// Where logs are when there is no supervisor to ask.
std::string log_dir_without_supervisor(const Host& host);

}  // namespace reeve::ctl
