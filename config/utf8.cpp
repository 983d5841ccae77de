#include "config/utf8.h"

#include <algorithm>
#include <cstdio>

namespace reeve::config {

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// Control characters that no configuration needs. The parsing library takes some of them for the
/// end of the file, and a lone carriage return for part of a word.
bool is_bad_control(std::string_view text) {
    const auto byte = static_cast<unsigned char>(text[0]);
    if (byte == '\r') return text.size() < 2 || text[1] != '\n';
    return (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f;
}

}  // namespace

Character first_character(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) return {first, 1};
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    if (length == 0 || first > 0xf4 || text.size() < length) return {};
    std::uint32_t code = first & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(text[i])) return {};
        code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3fu);
    }
    constexpr std::uint32_t kShortest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    if (code < kShortest[length] || code > 0x10ffff || surrogate) return {};
    return {code, length};
}

std::optional<BadText> find_bad_text(std::string_view text) {
    BadText here;
    for (std::size_t i = 0; i < text.size();) {
        const std::string_view rest = text.substr(i);
        const std::size_t length = first_character(rest).length;
        if (length == 0) {
            here.what = "not valid UTF-8";
            return here;
        }
        if (length == 1 && is_bad_control(rest)) {
            char what[40];
            std::snprintf(what, sizeof what, "a control character (0x%02x)",
                          static_cast<unsigned char>(rest[0]));
            here.what = rest[0] == '\0' ? "a NUL byte" : what;
            return here;
        }
        here.column = rest[0] == '\n' ? 1 : here.column + 1;
        here.line += rest[0] == '\n' ? 1 : 0;
        i += length;
    }
    return std::nullopt;
}

CharacterColumns::CharacterColumns(std::string_view text) : text_(text) {
    // The parsing library does not count a byte order mark.
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    if (std::none_of(text_.begin(), text_.end(), is_continuation)) return;
    line_begins_.push_back(0);
    for (std::size_t i = 0; i < text_.size(); ++i) {
        if (text_[i] == '\n') line_begins_.push_back(i + 1);
    }
}

int CharacterColumns::character(int line, int byte_column) {
    if (static_cast<std::size_t>(line) >= line_begins_.size()) return byte_column;
    if (line != line_ || byte_column < byte_column_) {
        line_ = line;
        byte_column_ = 0;
        character_ = 0;
    }
    const std::size_t begin = line_begins_[static_cast<std::size_t>(line)];
    while (byte_column_ < byte_column) {
        const std::size_t at = begin + static_cast<std::size_t>(byte_column_);
        if (at >= text_.size()) break;
        if (!is_continuation(text_[at])) ++character_;
        ++byte_column_;
    }
    // Counted are beginnings of characters before the column; that many stand left of it.
    return character_;
}

}  // namespace reeve::config
