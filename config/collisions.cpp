#include "config/collisions.h"

namespace reeve::config {

void Collisions::add(const std::string& path, yaml::Value key, yaml::Value value) {
    const bool map = value.kind() == yaml::Kind::Map;
    const auto [found, is_new] = seen_.try_emplace(path, Seen{key, map});
    if (!is_new && !(map && found->second.map)) {
        problems_.push_back({Severity::Error, key.position(), path,
                             "is already set at " + place_of(found->second.key.position()),
                             "keep one of them"});
        return;
    }
    if (!map) return;
    for (std::size_t i = 0; i < value.size(); ++i) {
        add(path + "." + std::string(value.key(i).text()), value.key(i), value.value(i));
    }
}

}  // namespace reeve::config
