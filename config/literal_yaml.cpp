#include "config/literal_yaml.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/harmful.h"
#include "config/utf8.h"

namespace reeve::config {

namespace {

constexpr std::size_t kWidth = 100;
/// A reader need not look further than 1,024 characters for the colon behind a key.
constexpr std::size_t kLongestKey = 1000;

/// Where a scalar stands: within brackets more characters have a meaning.
enum class Place { Block, Flow };

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// What must not stand in a file as it is, or would mislead whoever reads it: control characters,
/// line breaks of YAML 1.1, what turns the direction of writing, and bytes that are no characters.
bool needs_escape(Character c) { return c.length == 0 || is_harmful(c.code); }

std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned>(c) & 0xc0) != 0x80;
    }));
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

bool is_reserved_word(std::string_view text) {
    constexpr std::array<std::string_view, 9> kWords{"null", "true", "false", "yes", "no",
                                                     "on",   "off",  "y",     "n"};
    return text.size() <= 5 && std::find(kWords.begin(), kWords.end(), lower(text)) != kWords.end();
}

/// Whether a text that begins with a digit is no number, date or time to any reader: it has a
/// letter that none of those has.
bool has_unit(std::string_view text) {
    if (text[0] == '0' && text.size() > 1 && is_letter(text[1])) return text == "0s";
    return std::any_of(text.begin(), text.end(), [](char c) {
        return c == '%' ||
               (is_letter(c) && std::string_view("eEtTzZ").find(c) == std::string::npos);
    });
}

/// Whether a text may begin without quotes the way it does.
bool begins_plainly(std::string_view text) {
    const char c = text[0];
    if (is_letter(c)) return !is_reserved_word(text);
    if (is_digit(c)) return has_unit(text);
    if (c == '-') {
        const std::string_view option = text.substr(text.starts_with("--") ? 2 : 1);
        return !option.empty() && (is_letter(option[0]) || option[0] == '/');
    }
    if (c == '.') return text.starts_with("./") || text.starts_with("../");
    return c == '/' || c == '_' || c == '$' || c == '(' || static_cast<unsigned char>(c) >= 0x80;
}

/// Whether a string needs no quotes. Rather too careful than not enough.
bool is_plain(std::string_view text, Place place) {
    if (text.empty() || text.back() == ' ' || text.back() == ':' || !begins_plainly(text)) {
        return false;
    }
    for (std::size_t i = 0; i < text.size();) {
        const Character c = first_character(text.substr(i));
        const char byte = text[i];
        if (needs_escape(c) || byte == '#') return false;
        if (byte == ':' && (place == Place::Flow || text[i + 1] == ' ')) return false;
        if (place == Place::Flow && std::string_view(",[]{}?").find(byte) != std::string::npos) {
            return false;
        }
        i += c.length;
    }
    return true;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const Character c = first_character(text);
        const std::string_view bytes = text.substr(0, std::max<std::size_t>(c.length, 1));
        text.remove_prefix(bytes.size());
        char escape[12];
        if (c.length == 0) {
            out += "\xef\xbf\xbd";  // no file can hold it: U+FFFD, as everybody writes instead
        } else if (c.code == '"' || c.code == '\\') {
            out.append("\\").append(bytes);
        } else if (c.code == '\n') {
            out += "\\n";
        } else if (c.code == '\t') {
            out += "\\t";
        } else if (needs_escape(c)) {
            const char* form = c.code < 0x100     ? "\\x%02x"
                               : c.code < 0x10000 ? "\\u%04x"
                                                  : "\\U%08x";
            std::snprintf(escape, sizeof escape, form, c.code);
            out += escape;
        } else {
            out += bytes;
        }
    }
    return out + '"';
}

std::string number(double value) {
    if (std::isnan(value)) return ".nan";
    if (std::isinf(value)) return value > 0 ? ".inf" : "-.inf";
    std::array<char, 400> digits{};
    const auto [end, failure] = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                              std::chars_format::fixed);
    std::string out(digits.data(), failure == std::errc() ? end : digits.data());
    return out.find('.') == std::string::npos ? out + ".0" : out;
}

std::string string(std::string_view text, Place place) {
    return is_plain(text, place) ? std::string(text) : quoted(text);
}

std::string flow(const Literal& literal);

std::string flow_list(const Literal::List& list) {
    std::string out = "[";
    for (const Literal& item : list) out += (out.size() > 1 ? ", " : "") + flow(item);
    return out + "]";
}

std::string flow_map(const Literal::Map& map) {
    std::string out = "{";
    for (const auto& [key, value] : map) {
        out += out.size() > 1 ? ", " : "";
        if (key.size() > kLongestKey) out += "? ";
        out += string(key, Place::Flow) + ": " + flow(value);
    }
    return out + "}";
}

struct ToText {
    Place place;

    std::string operator()(std::nullptr_t) const { return "null"; }
    std::string operator()(bool truth) const { return truth ? "true" : "false"; }
    std::string operator()(std::int64_t n) const { return std::to_string(n); }
    std::string operator()(double n) const { return number(n); }
    std::string operator()(const std::string& text) const { return string(text, place); }
    std::string operator()(const Literal::List& list) const { return flow_list(list); }
    std::string operator()(const Literal::Map& map) const { return flow_map(map); }
};

std::string flow(const Literal& literal) { return std::visit(ToText{Place::Flow}, literal.value); }

/// Whether a text of several lines can stand as they are, below a `|`, and come back exactly.
bool fits_block(std::string_view text) {
    const std::size_t last = text.find_last_not_of('\n');
    if (last == std::string_view::npos || text.size() - last > 2 || text.find('\n') > last) {
        return false;
    }
    if (text[0] == '\n' || text[0] == ' ' || text[last] == ' ') return false;
    if (text.find(" \n") != std::string_view::npos) return false;
    for (std::size_t i = 0; i < text.size();) {
        const Character c = first_character(text.substr(i));
        if (c.code != '\n' && needs_escape(c)) return false;
        i += c.length;
    }
    return true;
}

/// Writes block style, two spaces a level.
class BlockWriter {
  public:
    std::string run(const Literal& literal) {
        if (const auto* map = std::get_if<Literal::Map>(&literal.value); map && !map->empty()) {
            write_map(*map, 0);
        } else if (const auto* list = std::get_if<Literal::List>(&literal.value);
                   list && !is_short(literal, 0)) {
            write_list(*list, 0);
        } else {
            write_scalar(literal, 0);
        }
        return std::move(out_);
    }

  private:
    /// Whether a value stands on the line where its key or dash does, which ends at `column`.
    static bool is_short(const Literal& literal, std::size_t column) {
        if (const auto* map = std::get_if<Literal::Map>(&literal.value)) return map->empty();
        const auto* list = std::get_if<Literal::List>(&literal.value);
        if (list == nullptr || list->empty()) return true;
        const auto is_word = [](const Literal& item) {
            const auto* text = std::get_if<std::string>(&item.value);
            return !std::holds_alternative<Literal::List>(item.value) &&
                   !std::holds_alternative<Literal::Map>(item.value) &&
                   (text == nullptr || text->find('\n') == std::string::npos);
        };
        return std::all_of(list->begin(), list->end(), is_word) &&
               column + columns_of(flow_list(*list)) <= kWidth;
    }

    void indent(std::size_t depth) { out_.append(2 * depth, ' '); }
    std::size_t column() const {
        return columns_of(std::string_view(out_).substr(out_.rfind('\n') + 1));
    }

    /// After "key:" or "-", with `depth` that of what is below.
    void write_value(const Literal& literal, std::size_t depth) {
        if (is_short(literal, column() + 1)) {
            out_ += ' ';
            write_scalar(literal, depth);
        } else if (const auto* list = std::get_if<Literal::List>(&literal.value)) {
            out_ += '\n';
            write_list(*list, depth);
        } else {
            out_ += '\n';
            write_map(std::get<Literal::Map>(literal.value), depth);
        }
    }

    void write_scalar(const Literal& literal, std::size_t depth) {
        const auto* text = std::get_if<std::string>(&literal.value);
        if (text != nullptr && depth > 0 && fits_block(*text)) return write_lines(*text, depth);
        out_ += std::visit(ToText{Place::Block}, literal.value) + '\n';
    }

    void write_lines(std::string_view text, std::size_t depth) {
        out_ += text.back() == '\n' ? "|\n" : "|-\n";
        if (text.back() == '\n') text.remove_suffix(1);
        while (true) {
            const std::size_t end = text.find('\n');
            const std::string_view line = text.substr(0, end);
            if (!line.empty()) indent(depth);
            out_.append(line) += '\n';
            if (end == std::string_view::npos) return;
            text.remove_prefix(end + 1);
        }
    }

    /// `continues`: the first key stands on the line that is there, behind a dash.
    void write_map(const Literal::Map& map, std::size_t depth, bool continues = false) {
        for (const auto& [key, value] : map) {
            if (!continues) indent(depth);
            continues = false;
            const std::string name = string(key, Place::Block);
            if (name.size() > kLongestKey) {
                out_ += "? " + name + '\n';
                indent(depth);
                out_ += ':';
            } else {
                out_ += name + ':';
            }
            write_value(value, depth + 1);
        }
    }

    void write_list(const Literal::List& list, std::size_t depth) {
        for (const Literal& item : list) {
            indent(depth);
            out_ += '-';
            const auto* map = std::get_if<Literal::Map>(&item.value);
            if (map != nullptr && !map->empty()) {
                out_ += ' ';
                write_map(*map, depth + 1, true);
            } else {
                write_value(item, depth + 1);
            }
        }
    }

    std::string out_;
};

}  // namespace

std::string to_yaml(const Literal& literal) { return BlockWriter().run(literal); }

std::string to_yaml_line(const Literal& literal) { return flow(literal); }

std::string definition_document(const Literal::Map& services) {
    return to_yaml({Literal::Map{{"version", {std::int64_t{1}}}, {"services", {services}}}});
}

}  // namespace reeve::config
