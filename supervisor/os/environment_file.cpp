#include "supervisor/os/environment_file.h"

#include "supervisor/os/files.h"

namespace reeve::os {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool needs_escape(char c) { return c == '"' || c == '\\' || c == '`' || c == '$'; }

bool is_key(std::string_view text) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    if (text.empty() || !letter(text.front())) return false;
    for (const char c : text) {
        if (!letter(c) && !(c >= '0' && c <= '9')) return false;
    }
    return true;
}

/// Reads one variable after the other, counting lines.
class Reader {
  public:
    Reader(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

    Result<EnvironmentVariables> all() {
        EnvironmentVariables variables;
        for (;;) {
            skip_to_variable();
            if (rest_.empty()) return variables;
            const auto key = read_key();
            if (!key) return key.error();
            auto value = read_value();
            if (!value) return value.error();
            variables.emplace_back(*key, std::move(*value));
        }
    }

  private:
    bool at_line_end() const {
        return rest_.empty() || rest_.front() == '\n' || rest_.starts_with("\r\n");
    }

    char take() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        if (c == '\n') ++line_;
        return c;
    }

    /// Past a line's end; nothing at the end of the text.
    void take_line_end() {
        if (!rest_.empty() && take() == '\r') take();
    }

    void skip_blanks() {
        while (!rest_.empty() && is_blank(rest_.front())) take();
    }

    void skip_to_variable() {
        while (!rest_.empty()) {
            skip_blanks();
            if (!rest_.empty() && (rest_.front() == '#' || rest_.front() == ';')) {
                while (!at_line_end()) take();
            }
            if (!at_line_end()) return;
            take_line_end();
        }
    }

    Result<std::string> read_key() {
        std::string_view key = rest_;
        while (!at_line_end() && rest_.front() != '=') take();
        key = key.substr(0, key.size() - rest_.size());
        if (at_line_end()) return malformed("a line is KEY=VALUE or begins with #", line_);
        take();
        while (!key.empty() && is_blank(key.back())) key.remove_suffix(1);
        if (key.starts_with("export") && key.size() > 6 && is_blank(key[6])) {
            key.remove_prefix(6);
            while (is_blank(key.front())) key.remove_prefix(1);
        }
        if (!is_key(key)) {
            return malformed("\"" + std::string(key) + "\" is no name for a variable", line_);
        }
        return std::string(key);
    }

    /// Quoted parts one after the other, then unquoted text up to the line's end.
    Result<std::string> read_value() {
        std::string value;
        const int first_line = line_;
        for (;;) {
            skip_blanks();
            if (at_line_end()) break;
            if (rest_.front() != '\'' && rest_.front() != '"') {
                read_plain(value);
                break;
            }
            const int line = line_;
            const char quote = take();
            if (!read_quoted(value, quote)) return malformed("the quote is not closed", line);
        }
        if (value.find('\0') != std::string::npos)
            return malformed("it has a NUL byte", first_line);
        take_line_end();
        return value;
    }

    void read_plain(std::string& value) {
        std::size_t length = value.size();  // without blanks at the end
        while (!at_line_end()) {
            char c = take();
            if (c == '\\') {
                if (at_line_end()) {
                    take_line_end();
                    continue;
                }
                c = take();
                value += c;
                length = value.size();
            } else {
                value += c;
                if (!is_blank(c)) length = value.size();
            }
        }
        value.resize(length);
    }

    bool read_quoted(std::string& value, char quote) {
        while (!rest_.empty()) {
            const char c = take();
            if (c == quote) return true;
            const bool escape = c == '\\' && quote == '"' && !rest_.empty();
            if (escape && at_line_end()) {
                take_line_end();
            } else if (escape && needs_escape(rest_.front())) {
                value += take();
            } else {
                value += c;
            }
        }
        return false;
    }

    Error malformed(const std::string& what, int line) const {
        return Error{"cannot read the environment file " + file_ + ", line " +
                         std::to_string(line) + ": " + what,
                     std::nullopt, SourcePosition{file_, line, 1}};
    }

    std::string_view rest_;
    const std::string& file_;
    int line_ = 1;
};

}  // namespace

Result<EnvironmentVariables> parse_environment(std::string_view text, const std::string& file) {
    return Reader(text, file).all();
}

Result<EnvironmentVariables> read_environment_file(const std::string& path, bool trusted) {
    const auto text = read_file(path, kMaxFile, trusted);
    if (!text) return text.error();
    return parse_environment(*text, path);
}

}  // namespace reeve::os
