#include "ctl/sockets.h"

#include "config/places.h"

namespace reeve::ctl {

std::vector<SocketPlace> socket_places(const Host& host, const std::optional<std::string>& flag) {
    const bool by_name = flag || !host.variable("REEVE_SOCKET").empty() ||
                         !host.variable("REEVE_RUNTIME_DIR").empty();
    std::vector<SocketPlace> places;
    for (std::string& path : config::client_sockets(flag, host.uid, host.environment)) {
        places.push_back({std::move(path), by_name});
    }
    return places;
}

std::string log_dir_without_supervisor(const Host& host) {
    const config::Places places = config::places_of(host.uid, host.environment);
    return config::choose_place({}, host.environment, "REEVE_LOG_DIR", "", places.log_dir);
}

}  // namespace reeve::ctl
