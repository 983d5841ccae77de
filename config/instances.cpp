#include "config/instances.h"

#include "config/forms.h"
#include "config/list_forms.h"
#include "config/values.h"

namespace reeve::config {

std::optional<std::vector<std::string>> read_instances(Reader& reader, Value value) {
    constexpr std::size_t kMost = 1000;
    std::vector<std::string> names;
    if (value.kind() != yaml::Kind::Sequence) {
        const auto count =
            reader.parse(value, "a number or a list of names",
                         [](std::string_view text) { return parse_integer(text, 1, kMost); });
        if (!count) return std::nullopt;
        for (std::int64_t i = 1; i <= *count; ++i) names.push_back(std::to_string(i));
        return names;
    }
    auto read = read_names(reader, value);
    if (!read) return std::nullopt;
    if (!read->empty() && read->size() <= kMost) return read;
    reader.error(value, read->empty() ? "is empty" : "has too many names",
                 "write from 1 to " + std::to_string(kMost));
    return std::nullopt;
}

}  // namespace reeve::config
