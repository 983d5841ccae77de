#include "supervisor/os/memory_kills.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "supervisor/os/files.h"

namespace reeve::os {
namespace {

/// Where this process's cgroups have their counts; see cgroups(7) for the lines.
std::vector<std::string> counters() {
    std::vector<std::string> files;
    const auto text = read_file("/proc/self/cgroup", 64 * 1024);
    for (std::string_view rest = text ? *text : std::string_view(); !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const std::size_t controllers = line.find(':');
        const std::size_t path = line.find(':', controllers + 1);
        if (controllers == line.npos || path == line.npos) continue;
        const std::string_view names = line.substr(controllers + 1, path - controllers - 1);
        const std::string folder(line.substr(path + 1));
        if (names.empty()) files.push_back("/sys/fs/cgroup" + folder + "/memory.events");
        if (names == "memory") {
            files.push_back("/sys/fs/cgroup/memory" + folder + "/memory.oom_control");
        }
    }
    files.emplace_back("/proc/vmstat");
    return files;
}

}  // namespace

MemoryKills::MemoryKills() : MemoryKills(counters()) {}

MemoryKills::MemoryKills(const std::vector<std::string>& files) {
    for (const std::string& file : files) {
        file_ = file;
        if (const auto counted = count()) {
            counted_ = *counted;
            return;
        }
    }
    file_.clear();
}

std::optional<bool> MemoryKills::any_more() {
    if (file_.empty()) return std::nullopt;
    const auto now = count();
    if (!now) return std::nullopt;
    return *now > std::exchange(counted_, *now);
}

std::optional<std::uint64_t> MemoryKills::count() const {
    const auto text = read_file(file_, 64 * 1024);
    if (!text) return std::nullopt;
    constexpr std::string_view key = "oom_kill ";
    for (std::size_t at = text->find(key); at != text->npos; at = text->find(key, at + 1)) {
        if (at != 0 && (*text)[at - 1] != '\n') continue;
        std::uint64_t value = 0;
        const char* const end = text->data() + text->size();
        const auto [rest, failed] = std::from_chars(text->data() + at + key.size(), end, value);
        if (failed == std::errc()) return value;
    }
    return std::nullopt;
}

}  // namespace reeve::os
