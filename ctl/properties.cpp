#include "ctl/properties.h"

#include <tuple>

#include "base/nearest.h"
#include "base/overloaded.h"
#include "config/service_keys.h"
#include "ctl/protocol/configuration_json.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

using config::Literal;

std::string as_json(const Literal& literal) {
    protocol::JsonWriter out;
    protocol::write(out, literal);
    return out.take();
}

void flatten(const std::string& key, const Literal& literal, Properties& into) {
    const auto* map = std::get_if<Literal::Map>(&literal.value);
    if (map != nullptr && !map->empty()) {
        const std::string prefix = key.empty() ? key : key + ".";
        for (const auto& [name, content] : *map) flatten(prefix + name, content, into);
    } else if (const auto* text = std::get_if<std::string>(&literal.value)) {
        into.emplace_back(harmless(key), harmless(*text));
    } else {
        into.emplace_back(harmless(key), literal.is_null() ? "" : harmless(as_json(literal)));
    }
}

/// The first part of a key, and what is behind its dot.
std::pair<std::string_view, std::string_view> split(std::string_view key) {
    const std::size_t dot = key.find('.');
    return {key.substr(0, dot), dot == key.npos ? std::string_view() : key.substr(dot + 1)};
}

std::string sentence(std::string_view prefix, std::string_view key,
                     const std::vector<std::string_view>& known) {
    const auto meant = nearest(key, known);
    return "there is no property " + harmless(std::string(prefix) + std::string(key)) +
           (meant ? "; did you mean " + std::string(prefix) + *meant + "?" : "");
}

/// The same of a key of a definition: "stop.timeout".
std::optional<std::string> no_such_key(std::string_view key) {
    const auto [first, rest] = split(key);
    if (first.empty()) return std::nullopt;
    const auto table = config::service_table();
    std::vector<std::string_view> known;
    for (const config::Section& section : table) {
        for (const config::Key& one : section.keys) known.push_back(one.name);
    }
    const config::Key* found = config::find_key(table, first);
    if (found == nullptr) return sentence("definition.", first, known);
    const std::string_view below = split(rest).first;
    // Only of a map of fixed keys is known what can be in it.
    if (below.empty() || found->field.keys.empty()) return std::nullopt;
    known.clear();
    for (const config::Key& one : found->field.keys) {
        if (one.name == below) return std::nullopt;
        known.push_back(one.name);
    }
    return sentence("definition." + std::string(first) + ".", below, known);
}

}  // namespace

Properties properties_of(const ShownService& service) {
    Properties properties;
    flatten({}, service.status, properties);
    flatten("definition", service.definition, properties);
    return properties;
}

Properties picked(const Properties& all, const std::vector<std::string>& keys) {
    Properties properties;
    for (const std::string& key : keys) {
        const std::size_t before = properties.size();
        for (const auto& property : all) {
            if (property.first == key || property.first.starts_with(key + ".")) {
                properties.push_back(property);
            }
        }
        if (properties.size() == before) properties.emplace_back(harmless(key), "");
    }
    return properties;
}

std::optional<std::string> no_such_property(const std::string& key, const Literal& status) {
    const auto [first, rest] = split(key);
    if (first == "definition") return no_such_key(rest);
    const Literal* found = &status;
    std::string prefix;
    for (auto [name, below] = std::pair(first, rest); !name.empty();
         std::tie(name, below) = split(below)) {
        std::vector<std::string_view> known;
        if (prefix.empty()) known.push_back("definition");
        if (const auto* map = std::get_if<Literal::Map>(&found->value)) {
            for (const auto& [member, content] : *map) known.push_back(member);
        }
        found = found->member(name);
        if (found == nullptr) return sentence(prefix, name, known);
        prefix += std::string(name) + ".";
    }
    return std::nullopt;
}

}  // namespace reeve::ctl
