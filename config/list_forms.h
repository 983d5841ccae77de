#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reader.h"

/// What readers of lists have in common.
namespace reeve::config {

/// Every item of a list by one reader; nothing if any of them failed.
template <typename Read>
auto read_list(Reader& reader, yaml::Value value, std::string_view wanted, Read read)
    -> std::optional<std::vector<typename decltype(read(reader, value))::value_type>> {
    if (value.kind() == yaml::Kind::Scalar) {
        reader.error(value, "is a string",
                     "write " + std::string(wanted) + ", such as [" +
                         std::string(value.text().substr(0, 40)) + "]");
        return std::nullopt;
    }
    if (!reader.is(value, yaml::Kind::Sequence, wanted)) return std::nullopt;
    std::vector<typename decltype(read(reader, value))::value_type> items;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const Reader::Step step(reader, i);
        if (auto item = read(reader, value.item(i))) items.push_back(std::move(*item));
    }
    if (items.size() != value.size()) return std::nullopt;
    return items;
}

/// Warns of what stands in a list twice, and sorts it.
void sort_names(Reader& reader, yaml::Value value, std::vector<std::string>& names);

std::optional<std::string> read_nonempty(Reader& reader, yaml::Value value,
                                         std::string_view wanted);
/// A text that `check` has nothing to say of.
std::optional<std::string> read_checked(Reader& reader, yaml::Value value, std::string_view wanted,
                                        std::optional<Misread> (*check)(std::string_view));

}  // namespace reeve::config
