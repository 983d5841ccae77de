#include "ctl/protocol/json_writer.h"

#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/harmful.h"
#include "ctl/protocol/timestamp.h"
#include "ctl/protocol/utf8.h"

namespace reeve::protocol {

void JsonWriter::separate() {
    if (comma_) out_ += ',';
    comma_ = true;
}

void JsonWriter::open(char bracket) {
    separate();
    out_ += bracket;
    comma_ = false;
}

void JsonWriter::close(char bracket) {
    out_ += bracket;
    comma_ = true;
}

void JsonWriter::key(std::string_view name) {
    separate();
    quoted(name);
    out_ += ':';
    comma_ = false;
}

void JsonWriter::value(std::string_view text) {
    separate();
    quoted(text);
}

void JsonWriter::value(bool truth) { integer(truth ? "true" : "false"); }

void JsonWriter::value(std::nullptr_t) { integer("null"); }

void JsonWriter::integer(std::string_view digits) {
    separate();
    out_ += digits;
}

void JsonWriter::value(double number) {
    if (!std::isfinite(number)) return value(nullptr);
    char text[32];
    std::string digits(text, std::to_chars(text, text + sizeof text, number).ptr);
    if (digits.find_first_of(".e") == std::string::npos) digits += ".0";
    integer(digits);
}

void JsonWriter::value(Duration duration) {
    using namespace std::chrono;
    const auto ns = duration.count();
    const bool negative = ns < 0;
    // Unsigned, because the smallest negative number has no positive counterpart.
    const auto size =
        negative ? 0 - static_cast<std::uint64_t>(ns) : static_cast<std::uint64_t>(ns);
    std::string text = (negative ? "-" : "") + std::to_string(size / 1'000'000'000);
    if (const auto fraction = size % 1'000'000'000; fraction != 0) {
        char decimals[16];
        std::snprintf(decimals, sizeof decimals, ".%09llu",
                      static_cast<unsigned long long>(fraction));
        text += decimals;
        text.erase(text.find_last_not_of('0') + 1);
    }
    integer(text);
}

void JsonWriter::value(WallTime time) { value(rfc3339(time)); }

void JsonWriter::value(const std::vector<std::string>& texts) {
    begin_array();
    for (const std::string& text : texts) value(text);
    end_array();
}

void JsonWriter::escape(std::uint32_t code) {
    char text[8];
    if (code > 0xffff) {
        // Two halves, as UTF-16 has them.
        escape(0xd800 + ((code - 0x10000) >> 10));
        code = 0xdc00 + (code & 0x3ff);
    }
    std::snprintf(text, sizeof text, "\\u%04x", code);
    out_ += text;
}

void JsonWriter::quoted(std::string_view text) {
    out_ += '"';
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
            ++at;
            continue;
        }
        const Utf8Char c = utf8_at(text, at);
        if (byte >= 0x80 && c.valid && !is_harmful(c.code)) {
            at += c.length;
            continue;
        }
        out_ += text.substr(done, at - done);
        switch (byte) {
            case '"':
                out_ += "\\\"";
                break;
            case '\\':
                out_ += "\\\\";
                break;
            case '\n':
                out_ += "\\n";
                break;
            case '\t':
                out_ += "\\t";
                break;
            default:
                escape(c.valid ? c.code : 0xfffd);
        }
        at += c.length;
        done = at;
    }
    out_ += text.substr(done);
    out_ += '"';
}

}  // namespace reeve::protocol
