#pragma once

#include <array>
#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace reeve::protocol {

/// The struct that a value is, specialised beside the write() of each. `path` is what the value is
/// called in a problem: "params", "result.services[3]".
template <typename T>
T read(const boost::json::value& value, const std::string& path, std::string& problem);

/// Reads the members of one JSON object by name and type. The first thing that does not fit goes
/// into the problem, which objects read within one another share, and what is read from then on
/// counts for nothing: the caller looks at the problem once, at the end.
class Fields {
  public:
    Fields(const boost::json::value& value, std::string path, std::string& problem);

    bool has(std::string_view name) const;
    /// Neither missing nor null.
    bool known(std::string_view name) const;

    /// Null only for a member that is missing, which is a problem.
    const boost::json::value* take(std::string_view name);
    std::string text(std::string_view name);
    bool truth(std::string_view name);
    std::int64_t number(std::string_view name,
                        std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                        std::int64_t max = std::numeric_limits<std::int64_t>::max());
    Duration seconds(std::string_view name);
    WallTime moment(std::string_view name);
    std::vector<std::string> texts(std::string_view name);

    std::uint64_t count(std::string_view name);
    int integer(std::string_view name, int min, int max);

    /// What is named by one of these words, in the order of its enumerators.
    template <typename Enum, std::size_t N>
    Enum word(std::string_view name, const std::array<std::string_view, N>& words) {
        return static_cast<Enum>(choice(name, words));
    }

    /// Nothing for what is missing or null, else what one of the above reads.
    template <typename Read>
    auto maybe(std::string_view name, Read read)
        -> std::optional<std::invoke_result_t<Read, Fields&, std::string_view>> {
        if (!known(name)) return std::nullopt;
        return std::invoke(read, *this, name);
    }

    /// A struct within this one.
    template <typename T>
    T part(std::string_view name) {
        const boost::json::value* value = take(name);
        return value != nullptr ? read<T>(*value, path_of(name), problem_) : T{};
    }

    template <typename T>
    std::vector<T> list(std::string_view name) {
        std::vector<T> out;
        const boost::json::array* array = elements(name);
        if (array == nullptr) return out;
        out.reserve(array->size());
        for (std::size_t i = 0; i < array->size() && problem_.empty(); ++i) {
            out.push_back(
                read<T>((*array)[i], path_of(name) + "[" + std::to_string(i) + "]", problem_));
        }
        return out;
    }

    /// Makes members other than these a problem, with the nearest of these.
    void only(const std::vector<std::string_view>& names);

    /// Says what is wrong with a member, if nothing else was before.
    void expected(std::string_view name, std::string_view what);

  private:
    std::string path_of(std::string_view name) const { return path_ + "." + std::string(name); }
    const boost::json::array* elements(std::string_view name);
    std::size_t choice(std::string_view name, std::span<const std::string_view> words);

    const boost::json::object* object_;
    std::string path_;
    std::string& problem_;
};

}  // namespace reeve::protocol
