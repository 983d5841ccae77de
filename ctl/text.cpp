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
    Range{0x1100, 0x115f},   Range{0x2e80, 0x303e},   Range{0x3041, 0xa4cf},
    Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},   Range{0xfe30, 0xfe6f},
    Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},   Range{0x1f300, 0x1f64f},
    Range{0x1f680, 0x1f6ff}, Range{0x1f900, 0x1f9ff}, Range{0x20000, 0x3fffd},
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

std::vector<std::string> wrapped(std::string_view text, std::size_t width, std::size_t most,
                                 bool unicode) {
    std::vector<std::string> rows;
    while (width > 0 && columns(text) > width && rows.size() + 1 < most) {
        // The longest beginning that fits; a character that is wider than all there is fits, too.
        std::size_t end = 0;
        for (std::size_t used = 0; end < text.size();) {
            const Utf8Char c = utf8_at(text, end);
            used += width_of(c.code);
            if (used > width && end > 0) break;
            end += c.length;
        }
        const std::size_t blank = text.rfind(' ', end);
        const bool at_blank = blank != std::string_view::npos && blank > 0;
        rows.emplace_back(text.substr(0, at_blank ? blank : end));
        text.remove_prefix(at_blank ? blank + 1 : end);
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

}  // namespace reeve::ctl
