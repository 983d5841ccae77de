#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>
#include <utility>

#include "config/key.h"
#include "config/reader.h"
#include "config/writers.h"

/// Makes the fields of a table: a kind, which says how it is written, its reader, and the member
/// that the reader fills, so that what is documented, read, compared and written cannot part ways.
namespace reeve::config {

template <typename Class, typename Member>
Class class_of(Member Class::*);

/// The member at the end of a chain of member pointers, from the object the first one is of.
template <auto First, auto... Rest>
auto& member(void* target) {
    using Class = decltype(class_of(First));
    auto& found = static_cast<Class*>(target)->*First;
    if constexpr (sizeof...(Rest) == 0) {
        return found;
    } else {
        return member<Rest...>(static_cast<void*>(&found));
    }
}

template <auto... Path>
const auto& member(const void* object) {
    return member<Path...>(const_cast<void*>(object));
}

template <auto... Path>
bool same_member(const void* a, const void* b) {
    return member<Path...>(a) == member<Path...>(b);
}

template <Kind kind, auto... Path>
Literal write_member(const void* of, const void* fallback) {
    if (same_member<Path...>(of, fallback)) return {};
    const auto& value = member<Path...>(of);
    if constexpr (requires { value.has_value(); }) {
        return value ? written(As<kind>{}, *value) : Literal{};
    } else {
        return written(As<kind>{}, value);
    }
}

template <auto Read, auto... Path>
void read_member(Reader& reader, yaml::Value value, void* target) {
    if (auto read = Read(reader, value)) {
        using Member = std::remove_reference_t<decltype(member<Path...>(target))>;
        if constexpr (std::is_arithmetic_v<Member>) {
            member<Path...>(target) = static_cast<Member>(*read);
        } else if constexpr (std::is_same_v<Member, std::optional<int>>) {
            member<Path...>(target) = static_cast<int>(*read);
        } else {
            member<Path...>(target) = std::move(*read);
        }
    }
}

/// A field whose value is read at once, by a function Reader&, Value -> optional<T>.
template <Kind TheKind, auto Read, auto... Path>
inline constexpr Field value_field{TheKind, read_member<Read, Path...>, same_member<Path...>,
                                   write_member<TheKind, Path...>};

/// A field whose reader changes the member in place, by a function Reader&, Value, T&.
template <auto Read, auto... Path>
void read_in_place(Reader& reader, yaml::Value value, void* target) {
    Read(reader, value, member<Path...>(target));
}
template <Kind TheKind, auto Read, auto... Path>
inline constexpr Field in_place_field{TheKind, read_in_place<Read, Path...>, same_member<Path...>,
                                      write_member<TheKind, Path...>};

/// A word of a list as the enumerator at the same index.
std::optional<std::size_t> read_choice(Reader& reader, yaml::Value value,
                                       std::span<const std::string_view> words);

template <const auto& Words, auto... Path>
void read_choice_member(Reader& reader, yaml::Value value, void* target) {
    using Member = std::remove_reference_t<decltype(member<Path...>(target))>;
    const auto index = read_choice(reader, value, Words);
    if (!index) return;
    if constexpr (std::is_enum_v<Member>) {
        member<Path...>(target) = static_cast<Member>(*index);
    } else {
        member<Path...>(target) = static_cast<typename Member::value_type>(*index);
    }
}
template <const auto& Words, auto... Path>
Literal write_choice_member(const void* of, const void* fallback) {
    if (same_member<Path...>(of, fallback)) return {};
    const auto& value = member<Path...>(of);
    const auto word = [](auto choice) {
        return Literal{std::string(Words[static_cast<std::size_t>(choice)])};
    };
    if constexpr (requires { value.has_value(); }) {
        return value ? word(*value) : Literal{};
    } else {
        return word(value);
    }
}
template <const auto& Words, auto... Path>
inline constexpr Field choice_field{Kind::Choice,
                                    read_choice_member<Words, Path...>,
                                    same_member<Path...>,
                                    write_choice_member<Words, Path...>,
                                    {},
                                    Words};

/// A map with a table of its own, read over what the member holds already. An optional member
/// comes to exist with the first key, and ends with the word `none`.
template <const auto& Keys, auto... Path>
void read_map_member(Reader& reader, yaml::Value value, void* target) {
    auto& found = member<Path...>(target);
    using Member = std::remove_reference_t<decltype(found)>;
    const KeyList keys{Keys.data(), Keys.size()};
    if constexpr (requires { found.has_value(); }) {
        if (value.kind() == yaml::Kind::Scalar && value.text() == "none") {
            found.reset();
        } else if (reader.is(value, yaml::Kind::Map, "a map or none")) {
            if (!found) found.emplace();
            reader.map(value, keys, static_cast<void*>(&*found));
        }
    } else {
        static_assert(std::is_class_v<Member>);
        if (reader.is(value, yaml::Kind::Map, "a map")) reader.map(value, keys, &found);
    }
}
/// Of an optional member that is there all that its own defaults do not say, be it nothing.
template <const auto& Keys, auto... Path>
Literal write_map_member(const void* of, const void* fallback) {
    if (same_member<Path...>(of, fallback)) return {};
    const auto& value = member<Path...>(of);
    const KeyList keys{Keys.data(), Keys.size()};
    if constexpr (requires { value.has_value(); }) {
        const typename std::remove_cvref_t<decltype(value)>::value_type bare{};
        return value ? Literal{written_keys(keys, &*value, &bare)} : Literal{};
    } else {
        return {written_keys(keys, &value, &member<Path...>(fallback))};
    }
}
inline constexpr std::array<std::string_view, 1> kOnlyNone{"none"};

template <const auto& Keys, auto... Path>
inline constexpr Field map_field{Kind::Map, read_map_member<Keys, Path...>, same_member<Path...>,
                                 write_map_member<Keys, Path...>,
                                 KeyList{Keys.data(), Keys.size()}};
template <const auto& Keys, auto... Path>
inline constexpr Field optional_map_field{Kind::Map,
                                          read_map_member<Keys, Path...>,
                                          same_member<Path...>,
                                          write_map_member<Keys, Path...>,
                                          KeyList{Keys.data(), Keys.size()},
                                          kOnlyNone};

/// A key of the contract that is not built yet.
constexpr Key not_built(std::string_view name) { return {name, {}, {}, {}}; }

}  // namespace reeve::config
