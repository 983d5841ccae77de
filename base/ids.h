#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace reeve {

/// A number that cannot be confused with one of another kind. Default-constructed it is none.
template <typename Tag>
struct StrongId {
    std::uint64_t value = 0;

    constexpr explicit operator bool() const { return value != 0; }
    constexpr auto operator<=>(const StrongId&) const = default;
};

}  // namespace reeve

template <typename Tag>
struct std::hash<reeve::StrongId<Tag>> {
    std::size_t operator()(const reeve::StrongId<Tag>& id) const noexcept {
        return std::hash<std::uint64_t>{}(id.value);
    }
};
