#include "ctl/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "base/harmful.h"
#include "ctl/protocol/utf8.h"

namespace reeve::ctl {

namespace {

using protocol::utf8_at;
using protocol::Utf8Char;

struct Range {
    std::uint32_t first, last;
};

template <std::size_t N>
bool within(const std::array<Range, N>& ranges, std::uint32_t code) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](Range r) { return code >= r.first && code <= r.last; });
}

// The blocks that terminals draw two columns wide, and those that take none. The C library knows
// them too, but only once a locale is loaded, which costs more than the rest of a status.
constexpr std::array wide = {
    Range{0x1100, 0x115f},   Range{0x231a, 0x231b},   Range{0x23e9, 0x23ec},
    Range{0x23f0, 0x23f0},   Range{0x23f3, 0x23f3},   Range{0x25fd, 0x25fe},
    Range{0x2614, 0x2615},   Range{0x2648, 0x2653},   Range{0x267f, 0x267f},
    Range{0x2693, 0x2693},   Range{0x26a1, 0x26a1},   Range{0x26aa, 0x26ab},
    Range{0x26bd, 0x26be},   Range{0x26c4, 0x26c5},   Range{0x26ce, 0x26ce},
    Range{0x26d4, 0x26d4},   Range{0x26ea, 0x26ea},   Range{0x26f2, 0x26f3},
    Range{0x26f5, 0x26f5},   Range{0x26fa, 0x26fa},   Range{0x26fd, 0x26fd},
    Range{0x2705, 0x2705},   Range{0x270a, 0x270b},   Range{0x2728, 0x2728},
    Range{0x274c, 0x274c},   Range{0x274e, 0x274e},   Range{0x2753, 0x2755},
    Range{0x2757, 0x2757},   Range{0x2795, 0x2797},   Range{0x27b0, 0x27b0},
    Range{0x27bf, 0x27bf},   Range{0x2b1b, 0x2b1c},   Range{0x2b50, 0x2b50},
    Range{0x2b55, 0x2b55},   Range{0x2e80, 0x303e},   Range{0x3041, 0xa4cf},
    Range{0xa960, 0xa97c},   Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},
    Range{0xfe10, 0xfe19},   Range{0xfe30, 0xfe6f},   Range{0xff00, 0xff60},
    Range{0xffe0, 0xffe6},   Range{0x16fe0, 0x18cff}, Range{0x1aff0, 0x1b2ff},
    Range{0x1f004, 0x1f004}, Range{0x1f0cf, 0x1f0cf}, Range{0x1f18e, 0x1f18e},
    Range{0x1f191, 0x1f19a}, Range{0x1f200, 0x1f320}, Range{0x1f32d, 0x1f335},
    Range{0x1f337, 0x1f37c}, Range{0x1f37e, 0x1f393}, Range{0x1f3a0, 0x1f3ca},
    Range{0x1f3cf, 0x1f3d3}, Range{0x1f3e0, 0x1f3f0}, Range{0x1f3f4, 0x1f3f4},
    Range{0x1f3f8, 0x1f43e}, Range{0x1f440, 0x1f440}, Range{0x1f442, 0x1f4fc},
    Range{0x1f4ff, 0x1f53d}, Range{0x1f54b, 0x1f54e}, Range{0x1f550, 0x1f567},
    Range{0x1f57a, 0x1f57a}, Range{0x1f595, 0x1f596}, Range{0x1f5a4, 0x1f5a4},
    Range{0x1f5fb, 0x1f64f}, Range{0x1f680, 0x1f6c5}, Range{0x1f6cc, 0x1f6cc},
    Range{0x1f6d0, 0x1f6d2}, Range{0x1f6d5, 0x1f6df}, Range{0x1f6eb, 0x1f6ec},
    Range{0x1f6f4, 0x1f6ff}, Range{0x1f7e0, 0x1f7f0}, Range{0x1f90c, 0x1f93a},
    Range{0x1f93c, 0x1f945}, Range{0x1f947, 0x1f9ff}, Range{0x1fa70, 0x1faff},
    Range{0x20000, 0x3fffd},
};
constexpr std::array narrow = {
    Range{0x0300, 0x036f},
    Range{0x200b, 0x200d},
    Range{0xfe00, 0xfe0f},
};

std::size_t width_of(std::uint32_t code) {
    if (code < 0x300) return 1;
    return within(narrow, code) ? 0 : within(wide, code) ? 2 : 1;
}

void append_escaped(std::string& out, Utf8Char c) {
    char text[16];
    switch (c.code) {
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        case 0x1b:
            out += "\\e";
            return;
    }
    // What is no UTF-8 is a byte, what is has a code point.
    const bool byte = !c.valid || c.code < 0x80;
    std::snprintf(text, sizeof text,
                  byte              ? "\\x%02x"
                  : c.code > 0xffff ? "\\U%08x"
                                    : "\\u%04x",
                  c.code);
    out += text;
}

/// The length of the SGR sequence at `at`, 0 if there is none: ESC [ digits ; : m
std::size_t sgr_at(std::string_view text, std::size_t at) {
    if (text.substr(at, 2) != "\x1b[") return 0;
    const std::size_t end = text.find_first_not_of("0123456789;:", at + 2);
    return end != std::string_view::npos && text[end] == 'm' ? end + 1 - at : 0;
}

std::string escaped(std::string_view text, bool is_line) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Char c = utf8_at(text, at);
        std::size_t keep = c.valid && !is_harmful(c.code) ? c.length : 0;
        if (keep == 0 && is_line) keep = c.code == '\t' ? 1 : sgr_at(text, at);
        if (keep != 0) {
            out += text.substr(at, keep);
            at += keep;
        } else {
            append_escaped(out, c);
            at += c.length;
        }
    }
    return out;
}

}  // namespace

std::string harmless(std::string_view text) { return escaped(text, false); }

std::string harmless_line(std::string_view line) { return escaped(line, true); }

std::string colourless_line(std::string_view line) {
    std::string kept;
    for (std::size_t at = 0; at < line.size();) {
        const std::size_t sgr = sgr_at(line, at);
        if (sgr == 0) kept += line[at] == '\t' ? ' ' : line[at];
        at += std::max<std::size_t>(sgr, 1);
    }
    return harmless(kept);
}

std::size_t columns(std::string_view text) {
    std::size_t total = 0;
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Char c = utf8_at(text, at);
        total += width_of(c.code);
        at += c.length;
    }
    return total;
}

std::string clipped(std::string_view text, std::size_t width, bool unicode) {
    if (columns(text) <= width) return std::string(text);
    const std::string_view mark = unicode ? "\xe2\x80\xa6" : "...";
    const std::size_t room = width - std::min(width, columns(mark));
    std::size_t at = 0;
    for (std::size_t used = 0; at < text.size();) {
        const Utf8Char c = utf8_at(text, at);
        used += width_of(c.code);
        if (used > room) break;
        at += c.length;
    }
    return std::string(text.substr(0, at)) + std::string(mark);
}

std::string_view take_row(std::string_view& text, std::size_t width) {
    // The longest beginning that fits; a character that is wider than all there is fits, too.
    std::size_t end = 0;
    for (std::size_t used = 0; end < text.size();) {
        const Utf8Char c = utf8_at(text, end);
        used += width_of(c.code);
        if (used > width && end > 0) break;
        end += c.length;
    }
    const std::size_t blank = end < text.size() ? text.rfind(' ', end) : text.npos;
    const bool at_blank = blank != std::string_view::npos && blank > 0;
    const std::string_view row = text.substr(0, at_blank ? blank : end);
    text.remove_prefix(at_blank ? blank + 1 : end);
    return row;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width, std::size_t most,
                                 bool unicode) {
    std::vector<std::string> rows;
    while (width > 0 && columns(text) > width && rows.size() + 1 < most) {
        rows.emplace_back(take_row(text, width));
    }
    rows.push_back(width > 0 ? clipped(text, width, unicode) : std::string(text));
    return rows;
}

std::string listed(const std::vector<std::string>& names, std::size_t most) {
    // One that is left out takes no more room than to say so.
    const std::size_t shown = names.size() > most + 1 ? most : names.size();
    std::string text;
    for (std::size_t i = 0; i < shown; ++i) {
        const bool last = i + 1 == names.size();
        if (i > 0) text += last ? " and " : ", ";
        text += harmless(names[i]);
    }
    if (shown < names.size()) text += " and " + std::to_string(names.size() - shown) + " more";
    return text;
}

std::string padded(std::string_view text, std::size_t width) {
    const std::size_t used = columns(text);
    return std::string(text) + std::string(width - std::min(width, used), ' ');
}

std::string right_aligned(std::string_view text, std::size_t width) {
    const std::size_t used = columns(text);
    return std::string(width - std::min(width, used), ' ') + std::string(text);
}

std::string shell_quoted(std::string_view word) {
    const bool plain = std::all_of(word.begin(), word.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
    });
    if (plain && !word.empty()) return std::string(word);
    // What must not be printed as it is takes the quotes in which escapes have a meaning.
    const bool dollar = harmless(word) != word;
    std::string quoted;
    for (const char c : word) {
        if (c == '\'') {
            quoted += dollar ? "\\'" : "'\\''";
        } else {
            quoted += dollar && c == '\\' ? "\\\\" : std::string(1, c);
        }
    }
    return dollar ? "$'" + harmless(quoted) + "'" : "'" + quoted + "'";
}

std::string size_in_words(std::size_t bytes) {
    if (bytes < 1024) return std::to_string(bytes) + " B";
    constexpr std::array<const char*, 5> units = {"KiB", "MiB", "GiB", "TiB", "PiB"};
    double size = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    // 1023.5 and more would be shown as 1024.
    while (size >= 1023.5 && unit + 1 < units.size()) {
        size /= 1024;
        ++unit;
    }
    char text[32];
    std::snprintf(text, sizeof text, size < 9.95 ? "%.1f %s" : "%.0f %s", size, units[unit]);
    return text;
}

std::string grouped(std::uint64_t count) {
    std::string text = std::to_string(count);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
    return text;
}

}  // namespace reeve::ctl
