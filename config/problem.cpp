#include "config/problem.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "base/harmful.h"
#include "config/utf8.h"

namespace reeve::config {

namespace {

constexpr std::size_t kLongestQuote = 60;

void append_printable(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const Character c = first_character(text);
        const std::string_view bytes = text.substr(0, std::max<std::size_t>(c.length, 1));
        text.remove_prefix(bytes.size());
        const auto byte = static_cast<unsigned char>(bytes[0]);
        char escape[12];
        if (c.length > 0 && !is_harmful(c.code)) {
            out += bytes;
        } else if (c.code == '\n') {
            out += "\\n";
        } else if (c.code == '\t') {
            out += "\\t";
        } else if (bytes.size() == 1) {
            std::snprintf(escape, sizeof escape, "\\x%02x", byte);
            out += escape;
        } else {
            std::snprintf(escape, sizeof escape, c.code > 0xffff ? "\\U%08x" : "\\u%04x", c.code);
            out += escape;
        }
    }
}

}  // namespace

std::string to_line(const Problem& problem) {
    std::string line;
    append_printable(line, problem.position.file);
    line += ':' + std::to_string(std::max(problem.position.line, 1));
    line += ':' + std::to_string(std::max(problem.position.column, 1));
    line += problem.severity == Severity::Error ? ": error: " : ": warning: ";
    if (!problem.path.empty()) {
        append_printable(line, problem.path);
        line += ": ";
    }
    append_printable(line, problem.what);
    if (!problem.what_to_do.empty()) {
        line += "; ";
        append_printable(line, problem.what_to_do);
    }
    return line;
}

std::string place_of(const SourcePosition& position) {
    std::string text = position.file;
    text.append(":").append(std::to_string(position.line));
    text.append(":").append(std::to_string(position.column));
    return text;
}

std::string quote(std::string_view text) {
    std::size_t length = std::min(text.size(), kLongestQuote);
    // Never cut a character of several bytes in two.
    while (length < text.size() && length > 0 &&
           (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) {
        --length;
    }
    return '"' + std::string(text.substr(0, length)) + (length < text.size() ? "..." : "") + '"';
}

std::string enumerate(const std::vector<std::string_view>& words, std::string_view last_joint) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0 && i + 1 < words.size()) out += ", ";
        if (i > 0 && i + 1 == words.size()) out.append(1, ' ').append(last_joint).append(1, ' ');
        out += words[i];
    }
    return out;
}

void throw_exception_from_error(const Misread& misread, const boost::source_location&) {
    throw std::logic_error("unchecked error: " + misread.what);
}

}  // namespace reeve::config
