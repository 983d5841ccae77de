#pragma once

#include <cstdint>

namespace reeve {

/// Whether a character must not reach a terminal as it is: it controls the terminal, ends the line,
/// turns the direction of writing, or takes no room at all, so that a text can look like another
/// one. What joins letters (U+200C, U+200D) is none of them.
constexpr bool is_harmful(std::uint32_t code) {
    struct Range {
        std::uint32_t first, last;
    };
    constexpr Range ranges[] = {
        {0x00, 0x1f},        // C0
        {0x7f, 0x9f},        // DEL and C1
        {0xad, 0xad},        // soft hyphen
        {0x061c, 0x061c},    // Arabic letter mark
        {0x180e, 0x180e},    // Mongolian vowel separator
        {0x200b, 0x200b},    // zero width space
        {0x200e, 0x200f},    // left-to-right and right-to-left mark
        {0x2028, 0x202e},    // line separators, embeddings and overrides
        {0x2060, 0x206f},    // word joiner, invisible operators, isolates
        {0xfeff, 0xfeff},    // byte order mark
        {0xfff9, 0xfffb},    // annotations
        {0xfffe, 0xffff},    // no characters
        {0xe0000, 0xe007f},  // tags
    };
    for (const Range& range : ranges) {
        if (code >= range.first && code <= range.last) return true;
    }
    return false;
}

}  // namespace reeve
