#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "supervisor/log/stamp.h"

/// Bytes in, records out: pure. A record is a line, or a part of a line longer than `max_line`.
namespace reeve::log {

enum class Source : std::uint8_t { Out, Err };

/// What becomes of the bytes behind the last newline: kept for later, a last line without newline,
/// or a part of a line whose rest is to come.
enum class Tail : std::uint8_t { Keep, Finish, Part };

/// How a stream is cut into records.
struct Cut {
    std::size_t max_line = 0;
    Tail tail = Tail::Keep;
};

/// The first record of some input.
struct Record {
    std::string_view bytes;    ///< without the newline
    std::size_t consumed = 0;  ///< with it
    bool final = true;         ///< the end of its line
};

/// Nothing when the input holds no whole record yet. A line is cut only when more than `max_line`
/// bytes of it are there, so that the last part of a line is never empty.
inline std::optional<Record> next_record(std::string_view input, const Cut& cut) {
    const std::size_t window = input.size() > cut.max_line ? cut.max_line + 1 : input.size();
    if (window == 0) return std::nullopt;
    if (const void* newline = std::memchr(input.data(), '\n', window)) {
        const auto length =
            static_cast<std::size_t>(static_cast<const char*>(newline) - input.data());
        return Record{input.substr(0, length), length + 1, true};
    }
    if (input.size() > cut.max_line) {
        return Record{input.substr(0, cut.max_line), cut.max_line, false};
    }
    if (cut.tail == Tail::Keep) return std::nullopt;
    return Record{input, input.size(), cut.tail == Tail::Finish};
}

/// "TIME stdout F " and the newline: what a record costs beside its bytes.
inline constexpr std::size_t kRecordOverhead = kStampBytes + sizeof(" stdout F ") - 1 + 1;

/// What one call of frame() did.
struct Framed {
    std::size_t consumed = 0;  ///< bytes of input
    std::size_t written = 0;   ///< bytes of output
    std::size_t lines = 0;     ///< lines that ended
    bool mid_line = false;     ///< the last record was a part, the rest of its line is to come
    bool full = false;         ///< the next record had no room
};

/// Turns as much of the input as fits into `out` into CRI records, all with the same stamp.
/// `mid_line` in the answer is the one given when there was no record.
Framed frame(std::string_view input, const Cut& cut, Source source, std::string_view stamp,
             bool mid_line, std::span<char> out);

/// As frame() with room for all, but makes no records: for lines that are lost.
inline Framed count_records(std::string_view input, const Cut& cut, bool mid_line) {
    Framed counted{.mid_line = mid_line};
    while (const auto record = next_record(input.substr(counted.consumed), cut)) {
        counted.consumed += record->consumed;
        counted.lines += record->final ? 1 : 0;
        counted.mid_line = !record->final;
    }
    return counted;
}

/// The records at the front of the input in which no more than so many lines begin; `lines` says
/// how many do.
inline Framed first_lines(std::string_view input, const Cut& cut, bool mid_line,
                          std::uint64_t limit) {
    Framed first{.mid_line = mid_line};
    while (const auto record = next_record(input.substr(first.consumed), cut)) {
        if (!first.mid_line && first.lines == limit) break;
        if (!first.mid_line) ++first.lines;
        first.consumed += record->consumed;
        first.mid_line = !record->final;
    }
    return first;
}

}  // namespace reeve::log
