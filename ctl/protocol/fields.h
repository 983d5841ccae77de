#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace reeve::protocol {

/// Reads the members of one JSON object by name and type. The first thing that does not fit goes
/// into the problem, which objects read within one another share, and what is read from then on
/// counts for nothing: the caller looks at the problem once, at the end.
class Fields {
  public:
    /// `path` is what the object is called in a problem: "params", "services[3]".
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

    /// The elements of an array, each read by `read(value, path)`.
    template <typename T, typename Read>
    std::vector<T> list(std::string_view name, Read read) {
        std::vector<T> out;
        const boost::json::value* value = take(name);
        if (value == nullptr) return out;
        const boost::json::array* array = value->if_array();
        if (array == nullptr) {
            expected(name, "a list");
            return out;
        }
        out.reserve(array->size());
        for (std::size_t i = 0; i < array->size() && problem_.empty(); ++i) {
            out.push_back(
                read((*array)[i], path_ + "." + std::string(name) + "[" + std::to_string(i) + "]"));
        }
        return out;
    }

    /// Makes members other than these a problem, with the nearest of these.
    void only(const std::vector<std::string_view>& names);

    std::string& problem() { return problem_; }

  private:
    void expected(std::string_view name, std::string_view what);

    const boost::json::object* object_;
    std::string path_;
    std::string& problem_;
};

}  // namespace reeve::protocol
