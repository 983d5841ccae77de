#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace reeve::config {

/// A value as a configuration file holds it: what JSON can say, maps in the order of their keys in
/// the file. A string is the text as it would stand in the file, so a dollar in it is doubled.
struct Literal {
    using List = std::vector<Literal>;
    using Map = std::vector<std::pair<std::string, Literal>>;

    std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, List, Map> value{nullptr};

    bool is_null() const { return std::holds_alternative<std::nullptr_t>(value); }

    /// What a map has under the key; null when it does not have it or this is no map.
    const Literal* member(std::string_view key) const {
        const auto* map = std::get_if<Map>(&value);
        if (map == nullptr) return nullptr;
        for (const auto& [name, content] : *map) {
            if (name == key) return &content;
        }
        return nullptr;
    }

    bool operator==(const Literal&) const = default;
};

}  // namespace reeve::config
