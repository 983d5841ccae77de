#include "ctl/log_place.h"

#include <algorithm>
#include <array>
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

/// The first record between the offsets that says when it was written.
Result<std::optional<Stamped>> first_stamped(LogText& text, std::uint64_t from, std::uint64_t end) {
    while (true) {
        const auto begin = next_record(text, from, end);
        if (!begin) return begin.error();
        if (*begin >= end) return std::optional<Stamped>();
        std::array<char, 64> head;
        const auto got = text.read_at(*begin, head.data(), head.size());
        if (!got) return got.error();
        const std::string_view start(head.data(), *got);
        const auto record = parse_cri(start.substr(0, start.find('\n')));
        const auto time = record ? protocol::parse_rfc3339(record->time) : std::nullopt;
        if (time) return std::optional(Stamped{*begin, *time});
        from = *begin + 1;
    }
}

/// Where in one file the first record begins that is not before the moment; the size when none is.
Result<std::uint64_t> offset_of(LogText& text, WallTime moment) {
    std::uint64_t place = text.size();
    // Records that begin below `low` are before the moment, those from `high` on are not.
    for (std::uint64_t low = 0, high = place, middle = 0; low < high; middle = (low + high) / 2) {
        const auto found = first_stamped(text, middle, high);
        if (!found) return found.error();
        if (*found && (*found)->time < moment) {
            low = (*found)->begin + 1;
        } else {
            if (*found) place = (*found)->begin;
            high = middle;
        }
    }
    return place;
}

/// When a file begins; nothing for one that does not say, or has been deleted.
Result<std::optional<WallTime>> beginning_of(LogFolder& folder, std::size_t segment) {
    const auto text = folder.text(segment);
    if (!text) return text.error();
    if (*text == nullptr) return std::optional<WallTime>();
    const auto first = first_stamped(**text, 0, (*text)->size());
    if (!first) {
        const auto given_up = folder.give_up(segment, first.error());
        if (!given_up) return given_up.error();
        return std::optional<WallTime>();
    }
    return *first ? std::optional((*first)->time) : std::nullopt;
}

}  // namespace

Result<std::uint64_t> next_record(LogText& text, std::uint64_t from, std::uint64_t end) {
    if (from == 0) return from;
    std::array<char, 4096> block;
    // A record begins at `from` itself when the byte before it ends one.
    for (std::uint64_t at = from - 1; at < end;) {
        const auto got = text.read_at(at, block.data(), block.size());
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

Result<LogPlace> place_of(LogFolder& folder, WallTime moment) {
    // Files below `low` begin before the moment, those from `high` on do not.
    std::size_t low = 0;
    std::size_t high = folder.segments().size();
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        std::size_t dated = middle;
        std::optional<WallTime> begins;
        for (; dated < high && !begins; ++dated) {
            const auto beginning = beginning_of(folder, dated);
            if (!beginning) return beginning.error();
            begins = *beginning;
        }
        if (begins && *begins < moment) {
            low = dated;
        } else {
            high = middle;
        }
    }
    if (high == 0) return LogPlace{};
    // The last of those that begin before it.
    const auto text = folder.text(high - 1);
    if (!text) return text.error();
    if (*text == nullptr) return LogPlace{high, 0};
    const auto offset = offset_of(**text, moment);
    if (!offset) {
        const auto given_up = folder.give_up(high - 1, offset.error());
        if (!given_up) return given_up.error();
        return LogPlace{high, 0};
    }
    return *offset < (*text)->size() ? LogPlace{high - 1, *offset} : LogPlace{high, 0};
}

}  // namespace reeve::ctl
