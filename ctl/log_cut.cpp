#include "ctl/log_cut.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "ctl/log_line.h"
#include "ctl/protocol/timestamp.h"

namespace reeve::ctl {

namespace {

/// Where a record begins, and when it was written.
struct Stamped {
    std::uint64_t begin = 0;
    WallTime time;
};

/// Where the next record begins that begins at `from` or behind it; `end` when none does before
/// that.
Result<std::uint64_t> next_beginning(int fd, std::uint64_t from, std::uint64_t end) {
    if (from == 0) return from;
    std::array<char, 4096> block;
    // A record begins at `from` itself when the byte before it ends one.
    for (std::uint64_t at = from - 1; at < end;) {
        const auto got = read_at(fd, at, block.data(), block.size());
        if (!got) return got.error();
        if (*got == 0) return end;
        const void* newline = std::memchr(block.data(), '\n', *got);
        if (newline != nullptr) {
            const auto ahead = static_cast<const char*>(newline) - block.data() + 1;
            return std::min(end, at + static_cast<std::uint64_t>(ahead));
        }
        at += *got;
    }
    return end;
}

/// The first record between the offsets that says when it was written.
Result<std::optional<Stamped>> first_stamped(int fd, std::uint64_t from, std::uint64_t end) {
    while (true) {
        const auto begin = next_beginning(fd, from, end);
        if (!begin) return begin.error();
        if (*begin >= end) return std::optional<Stamped>();
        std::array<char, 64> head;
        const auto got = read_at(fd, *begin, head.data(), head.size());
        if (!got) return got.error();
        const std::string_view text(head.data(), *got);
        const auto record = parse_cri(text.substr(0, text.find('\n')));
        const auto time = record ? protocol::parse_rfc3339(record->time) : std::nullopt;
        if (time) return std::optional(Stamped{*begin, *time});
        from = *begin + 1;
    }
}

/// Where the first record after `last` begins; the size when there is none.
Result<std::uint64_t> end_of(int fd, std::uint64_t size, WallTime last) {
    std::uint64_t end = size;
    // Records that begin below `low` are not after `last`, those from `high` on are.
    for (std::uint64_t low = 0, high = size, middle = 0; low < high; middle = (low + high) / 2) {
        const auto found = first_stamped(fd, middle, high);
        if (!found) return found.error();
        if (*found && (*found)->time <= last) {
            low = (*found)->begin + 1;
        } else {
            if (*found) end = (*found)->begin;
            high = middle;
        }
    }
    return end;
}

}  // namespace

Result<void> cut_behind(LogFolder& folder, WallTime last) {
    while (!folder.segments.empty()) {
        LogSegment& segment = folder.segments.back();
        Fd rotated;
        if (!folder.current) {
            auto file = open_to_read(segment.path);
            if (!file && file.error().errnum != ENOENT) return file.error();
            if (file) rotated = std::move(*file);
            if (!file) segment.size = 0;
        }
        const int fd = folder.current ? folder.current.get() : rotated.get();
        const auto end = segment.size == 0 ? 0 : end_of(fd, segment.size, last);
        if (!end) return end.error();
        if (*end > 0) {
            segment.size = *end;
            return {};
        }
        folder.segments.pop_back();
        folder.current.reset();
    }
    return {};
}

}  // namespace reeve::ctl
