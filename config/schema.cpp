#include "config/schema.h"

#include <string_view>

#include "config/kinds.h"
#include "config/service_keys.h"

namespace reeve::config {

namespace {

std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string json_words(std::span<const std::string_view> words) {
    std::string out = "[";
    for (const std::string_view word : words) {
        out += (out.size() > 1 ? ", " : "") + json_string(word);
    }
    return out + "]";
}

/// Writes one JSON object as lines, indented by depth.
class Lines {
  public:
    void open(std::string_view name) {
        begin_line();
        if (!name.empty()) text_ += json_string(name) + ": ";
        text_ += '{';
        ++depth_;
        first_ = true;
    }
    void close() {
        --depth_;
        text_ += '\n' + std::string(2 * depth_, ' ') + '}';
        first_ = false;
    }
    void entry(std::string_view name, const std::string& json) {
        begin_line();
        text_ += json_string(name) + ": " + json;
        first_ = false;
    }
    std::string text() const { return text_ + '\n'; }

  private:
    void begin_line() {
        if (depth_ == 0) return;
        if (!first_) text_ += ',';
        text_ += '\n' + std::string(2 * depth_, ' ');
        first_ = false;
    }

    std::string text_;
    std::size_t depth_ = 0;
    bool first_ = true;
};

void add_keys(Lines& lines, KeyList keys);

void add_key(Lines& lines, const Key& key) {
    std::string meaning(key.meaning);
    if (!key.fallback.empty()) meaning += " Default: " + std::string(key.fallback) + ".";
    lines.open(key.name);
    lines.entry("description", json_string(meaning));
    const Field& field = key.field;
    if (field.kind == Kind::Choice) {
        lines.entry("anyOf", "[{\"enum\": " + json_words(field.words) +
                                 "}, {\"$ref\": \"#/$defs/variable\"}]");
    } else if (field.kind != Kind::Map) {
        lines.entry("$ref", "\"#/$defs/" + std::string(info_of(field.kind).id) + "\"");
    } else if (field.words.empty()) {
        lines.entry("type", "\"object\"");
        add_keys(lines, field.keys);
    } else {
        // For a word, what is said of objects below says nothing.
        lines.entry("anyOf",
                    "[{\"enum\": " + json_words(field.words) + "}, {\"type\": \"object\"}]");
        add_keys(lines, field.keys);
    }
    lines.close();
}

void add_keys(Lines& lines, KeyList keys) {
    lines.entry("additionalProperties", "false");
    lines.open("properties");
    for (const Key& key : keys) {
        if (key.field.read != nullptr) add_key(lines, key);
    }
    lines.close();
}

void add_definition(Lines& lines, std::string_view name, std::span<const Section> table) {
    lines.open(name);
    lines.entry("type", R"(["object", "null"])");
    lines.entry("additionalProperties", "false");
    lines.open("properties");
    for (const Section& section : table) {
        for (const Key& key : section.keys) {
            if (key.field.read != nullptr) add_key(lines, key);
        }
    }
    lines.close();
    lines.close();
}

}  // namespace

std::string json_schema() {
    Lines lines;
    lines.open({});
    lines.entry("$schema", R"("https://json-schema.org/draft/2020-12/schema")");
    lines.entry("title", R"("Configuration of the reeve supervisor")");
    lines.entry("type", R"(["object", "null"])");
    lines.entry("additionalProperties", "false");
    lines.open("properties");
    lines.entry("version", R"({"const": 1})");
    lines.entry("include", R"({"type": ["array", "null"], "items": {"type": "string"}})");
    lines.entry("supervisor", R"({"$ref": "#/$defs/supervisor"})");
    lines.entry("defaults", R"({"$ref": "#/$defs/service"})");
    lines.open("services");
    lines.entry("type", R"(["object", "null"])");
    lines.entry("propertyNames",
                R"({"pattern": "^[a-z0-9][a-z0-9._-]{0,63}(@[a-z0-9][a-z0-9._-]{0,63})?$"})");
    lines.entry("additionalProperties", R"({"$ref": "#/$defs/service"})");
    lines.close();
    lines.close();
    lines.open("$defs");
    add_definition(lines, "service", service_table());
    add_definition(lines, "supervisor", supervisor_table());
    for (const SharedSchema& shared : shared_schemas()) {
        lines.entry(shared.id, std::string(shared.schema));
    }
    for (const Kind kind : all_kinds()) {
        const KindInfo& info = info_of(kind);
        if (!info.schema.empty()) lines.entry(info.id, std::string(info.schema));
    }
    lines.close();
    lines.close();
    return lines.text();
}

}  // namespace reeve::config
