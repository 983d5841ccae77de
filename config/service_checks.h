#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/draft.h"
#include "config/problem.h"
#include "config/users.h"
#include "config/yaml.h"

namespace reeve::config {

/// Where a service's settings stand: its own map, and below it the `defaults` of every file.
struct Origin {
    yaml::Value name;  ///< the key under `services`; instances share it
    yaml::Value own;
    std::span<const yaml::Value> defaults;

    /// The value of a key, its own before that of `defaults`; its name where neither has it.
    yaml::Value find(std::string_view key, std::string_view below = {}) const;
    bool has(std::string_view key) const;
    std::string path() const { return "services." + std::string(name.text()); }
    bool has_own(std::string_view key) const { return static_cast<bool>(own.find(key)); }
};

/// Checks that the settings of one service fit together, settles what depends on its type, and
/// resolves its user. `readable` is false when a value of it could not be read.
void check_service(Draft& draft, const Origin& origin, bool readable, Users& users, Caller self,
                   std::vector<Problem>& problems);

/// The shortest time that the first `count` quick restarts take with this backoff.
Duration shortest_waits(const Backoff& backoff, int count);

}  // namespace reeve::config
