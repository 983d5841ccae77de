#include "config/yaml_text.h"

#include <algorithm>

namespace reeve::config::yaml {

std::string advice_on_line(std::string_view text, int bad_line) {
    std::size_t begin = 0;
    for (int line = 0; line < bad_line && begin != std::string_view::npos; ++line) {
        begin = text.find('\n', begin);
        if (begin != std::string_view::npos) ++begin;
    }
    if (begin == std::string_view::npos) return "mend the YAML syntax";
    const std::string_view line = text.substr(begin, text.find('\n', begin) - begin);
    const std::size_t indent = line.find_first_not_of(" \t");
    if (line.substr(0, indent).find('\t') != std::string_view::npos) {
        return "indent by spaces, YAML knows no tabs";
    }
    return "mend the YAML syntax; check indentation, quotes and brackets here and above";
}

bool is_left_open(std::string_view text) {
    while (text.starts_with('&') || text.starts_with('!')) {
        text.remove_prefix(std::min(text.find_first_of(" \t\r\n"), text.size()));
        text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    }
    if (text.empty() || (text[0] != '\'' && text[0] != '"')) return false;
    const char quote_mark = text[0];
    for (std::size_t i = 1; i < text.size(); ++i) {
        const std::string_view rest = text.substr(i);
        if ((quote_mark == '"' && rest[0] == '\\') ||
            (quote_mark == '\'' && rest.starts_with("''"))) {
            ++i;
        } else if (rest[0] == quote_mark) {
            return false;
        }
    }
    return true;
}

}  // namespace reeve::config::yaml
