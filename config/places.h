#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace reeve::config {

/// Where things are when nobody says otherwise, for one user. Made by places_of().
struct Places {
    std::vector<std::string> config;  ///< a file and a folder; either may be missing
    std::string runtime_dir;
    std::string log_dir;
    std::string state_dir;
    bool operator==(const Places&) const = default;
};

/// The places of a user, from nothing but the id and the environment. Variables that do not hold an
/// absolute path count as not set. Without a HOME, logs and state go below the runtime directory
/// and there is no configuration.
Places places_of(uid_t uid, const std::map<std::string, std::string>& environment);

/// Where the folders of services go (`directories`).
struct ServicePlaces {
    std::string runtime;
    std::string state;
    std::string logs;
    bool operator==(const ServicePlaces&) const = default;
};

/// /run, /var/lib and /var/log; for another user than root $XDG_RUNTIME_DIR, $XDG_STATE_HOME and
/// $XDG_STATE_HOME/log. Where there is no such place, below the supervisor's own.
ServicePlaces service_places(uid_t uid, const std::map<std::string, std::string>& environment);

/// The first that is there: a flag, else an environment variable, else what the YAML says, else the
/// place of the table. Empty texts are not there.
std::string choose_place(const std::optional<std::string>& flag,
                         const std::map<std::string, std::string>& environment,
                         const std::string& variable, const std::string& from_yaml,
                         const std::string& from_table);

/// The sockets on which a client looks for a supervisor, in order; `flag` is -s.
std::vector<std::string> client_sockets(const std::optional<std::string>& flag, uid_t uid,
                                        const std::map<std::string, std::string>& environment);

}  // namespace reeve::config
