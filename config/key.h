#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "config/literal.h"
#include "config/yaml.h"

/// The table that the whole configuration language is made of: the parser, the writer of
/// definitions, the JSON Schema, the reference page and the differences between two plans all walk
/// it.
namespace reeve::config {

class Reader;
struct Key;

/// What a value may look like; kinds.cpp has the words and the schema for each.
enum class Kind {
    Text,
    Bool,
    Integer,
    Number,
    Duration,
    MaybeDuration,
    Size,
    Percent,
    Mode,
    Signal,
    Command,
    Commands,
    Path,
    Names,
    Services,
    Instances,
    Exits,
    Choice,
    Variables,
    EnvironmentFiles,
    Inherit,
    Limits,
    Address,
    UserName,
    GroupName,
    GroupNames,
    Stdin,
    LogFile,
    Url,
    Statuses,
    Pattern,
    Folders,
    Cpus,
    Capabilities,
    Destinations,
    Map,
};

/// A span of keys that may stand where Key is not complete yet.
struct KeyList {
    const Key* first = nullptr;
    std::size_t count = 0;

    const Key* begin() const { return first; }
    const Key* end() const;
    bool empty() const { return count == 0; }
};

/// How a key is read, compared and written. Without `read` the key is known but not built yet.
struct Field {
    Kind kind = Kind::Text;
    void (*read)(Reader&, yaml::Value, void* target) = nullptr;
    bool (*same)(const void* a, const void* b) = nullptr;
    /// What a file would say to have the value of `of`; null where it is that of `fallback`.
    Literal (*write)(const void* of, const void* fallback) = nullptr;
    KeyList keys = {};                             ///< of a Map
    std::span<const std::string_view> words = {};  ///< of a Choice, or what may stand for a Map
};

/// One key: its name, how it is read, its default as text and what it means.
struct Key {
    std::string_view name;
    Field field;
    std::string_view fallback;
    std::string_view meaning;
};

inline const Key* KeyList::end() const { return first + count; }

/// Keys that belong together, with what the reference page says of them all.
struct Section {
    std::string_view title;
    std::string_view intro;
    std::string_view example;
    KeyList keys;
};

const Key* find_key(std::span<const Section> table, std::string_view name);

}  // namespace reeve::config
