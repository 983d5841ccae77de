#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace reeve::os {

/// A small file of /proc, read at once into `buffer`; nothing if it is gone or may not be read.
inline std::optional<std::string_view> read_proc_file(int dir, const char* path,
                                                      std::span<char> buffer) {
    const Fd fd(openat(dir, path, O_RDONLY | O_CLOEXEC));
    if (!fd) return std::nullopt;
    const ssize_t n = read(fd.get(), buffer.data(), buffer.size());
    if (n <= 0) return std::nullopt;
    return std::string_view(buffer.data(), static_cast<std::size_t>(n));
}

/// A file of /proc that can be long, up to `max` bytes of it.
inline std::optional<std::string> read_long_proc_file(const char* path, std::size_t max) {
    const Fd fd(open(path, O_RDONLY | O_CLOEXEC));
    if (!fd) return std::nullopt;
    std::string content;
    std::size_t used = 0;
    while (used < max) {
        if (content.size() - used < 4096) content.resize(content.size() * 2 + 16384);
        const ssize_t n =
            pread(fd.get(), content.data() + used, content.size() - used, static_cast<off_t>(used));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return std::nullopt;
        if (n == 0) break;
        used += static_cast<std::size_t>(n);
    }
    content.resize(used);
    return content;
}

}  // namespace reeve::os
