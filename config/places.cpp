#include "config/places.h"

namespace reeve::config {

namespace {

using Environment = std::map<std::string, std::string>;

std::string variable(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found != environment.end() ? found->second : std::string();
}

/// An absolute path from the environment, or empty.
std::string folder(const Environment& environment, const std::string& name) {
    std::string path = variable(environment, name);
    return path.starts_with('/') ? path : std::string();
}

/// An XDG folder, or its standard place below HOME, or empty.
std::string xdg(const Environment& environment, const std::string& name, const char* below_home) {
    if (std::string path = folder(environment, name); !path.empty()) return path;
    const std::string home = folder(environment, "HOME");
    return home.empty() ? home : home + below_home;
}

}  // namespace

Places places_of(uid_t uid, const Environment& environment) {
    if (uid == 0) {
        return {{"/etc/reeve/reeve.yaml", "/etc/reeve/services.d"},
                "/run/reeve",
                "/var/log/reeve",
                "/var/lib/reeve"};
    }
    Places places;
    const std::string runtime = folder(environment, "XDG_RUNTIME_DIR");
    places.runtime_dir = runtime.empty() ? "/tmp/reeve-" + std::to_string(uid) : runtime + "/reeve";
    const std::string config = xdg(environment, "XDG_CONFIG_HOME", "/.config");
    if (!config.empty()) {
        places.config = {config + "/reeve/reeve.yaml", config + "/reeve/services.d"};
    }
    const std::string state = xdg(environment, "XDG_STATE_HOME", "/.local/state");
    places.state_dir = state.empty() ? places.runtime_dir + "/state" : state + "/reeve";
    places.log_dir = state.empty() ? places.runtime_dir + "/log" : state + "/reeve/log";
    return places;
}

ServicePlaces service_places(uid_t uid, const Environment& environment) {
    if (uid == 0) return {"/run", "/var/lib", "/var/log"};
    const std::string own = places_of(uid, environment).runtime_dir;
    ServicePlaces places;
    places.runtime = folder(environment, "XDG_RUNTIME_DIR");
    if (places.runtime.empty()) places.runtime = own + "/services";
    places.state = xdg(environment, "XDG_STATE_HOME", "/.local/state");
    if (places.state.empty()) places.state = own + "/services/state";
    places.logs = places.state + "/log";
    return places;
}

std::string choose_place(const std::optional<std::string>& flag, const Environment& environment,
                         const std::string& name, const std::string& from_yaml,
                         const std::string& from_table) {
    if (flag && !flag->empty()) return *flag;
    if (const std::string value = variable(environment, name); !value.empty()) return value;
    return from_yaml.empty() ? from_table : from_yaml;
}

std::vector<std::string> client_sockets(const std::optional<std::string>& flag, uid_t uid,
                                        const Environment& environment) {
    if (flag && !flag->empty()) return {*flag};
    if (const std::string path = variable(environment, "REEVE_SOCKET"); !path.empty()) {
        return {path};
    }
    if (const std::string dir = variable(environment, "REEVE_RUNTIME_DIR"); !dir.empty()) {
        return {dir + "/control.sock"};
    }
    std::vector<std::string> sockets{places_of(uid, environment).runtime_dir + "/control.sock"};
    if (uid != 0) sockets.push_back(places_of(0, environment).runtime_dir + "/control.sock");
    return sockets;
}

}  // namespace reeve::config
