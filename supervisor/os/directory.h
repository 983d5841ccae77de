#pragma once

#include <dirent.h>

#include <charconv>
#include <memory>
#include <optional>
#include <string_view>

namespace reeve::os {

/// A whole string that is a number not below 0.
inline std::optional<int> decimal(std::string_view text) {
    int value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

/// Calls f with the name of everything in a directory; false, with errno set, if it cannot be read.
template <typename F>
bool for_each_name(const char* path, F f) {
    struct Close {
        void operator()(DIR* dir) const { closedir(dir); }
    };
    const std::unique_ptr<DIR, Close> dir(opendir(path));
    if (!dir) return false;
    while (const dirent* entry = readdir(dir.get())) f(std::string_view(entry->d_name));
    return true;
}

}  // namespace reeve::os
