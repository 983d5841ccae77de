#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reeve::protocol {

/// One character of a UTF-8 text: its code point and how many bytes it takes. `valid` is false for
/// a byte that begins no well-formed character; its length is 1 then.
struct Utf8Char {
    std::uint32_t code = 0;
    std::size_t length = 1;
    bool valid = false;
};

/// The character at `at`, which lies within the text. Overlong forms, surrogates and what is beyond
/// U+10FFFF are not valid.
inline Utf8Char utf8_at(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const std::uint32_t first = byte(0);
    if (first < 0x80) return {first, 1, true};
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() - at < length) return {first, 1, false};
    std::uint32_t code = first & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0u) != 0x80) return {first, 1, false};
        code = code << 6 | (byte(i) & 0x3fu);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (overlong || surrogate || code > 0x10ffff) return {first, 1, false};
    return {code, length, true};
}

}  // namespace reeve::protocol
