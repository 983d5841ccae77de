#include "config/reader.h"

#include "base/nearest.h"

namespace reeve::config {

const Key* find_key(std::span<const Section> table, std::string_view name) {
    for (const Section& section : table) {
        for (const Key& key : section.keys) {
            if (key.name == name) return &key;
        }
    }
    return nullptr;
}

void Reader::report(Severity severity, yaml::Value at, std::string what, std::string what_to_do) {
    problems_.push_back({severity, at.position(), path(), std::move(what), std::move(what_to_do)});
}

void Reader::error(yaml::Value at, std::string what, std::string what_to_do) {
    report(Severity::Error, at, std::move(what), std::move(what_to_do));
}

void Reader::warning(yaml::Value at, std::string what, std::string what_to_do) {
    report(Severity::Warning, at, std::move(what), std::move(what_to_do));
}

std::string Reader::path() const {
    std::string out;
    for (const PathStep& step : path_) {
        if (step.key.data() == nullptr) {
            out += '[' + std::to_string(step.index) + ']';
            continue;
        }
        if (!out.empty()) out += '.';
        out += step.key;
    }
    return out;
}

std::optional<std::string> Reader::text(yaml::Value value, std::string_view wanted) {
    if (!is(value, yaml::Kind::Scalar, wanted)) return std::nullopt;
    if (value.text().find('$') == std::string_view::npos) return std::string(value.text());
    Expanded expanded = expand(value.text(), environment_, service_);
    for (const Misread& misread : expanded.misread) error(value, misread);
    if (!expanded.misread.empty()) return std::nullopt;
    return std::move(expanded.text);
}

bool Reader::is(yaml::Value value, yaml::Kind kind, std::string_view wanted) {
    if (value.kind() == kind) return true;
    if (value.kind() == yaml::Kind::Null) {
        error(value, "has no value", "write " + std::string(wanted) + ", or remove the key");
    } else {
        error(value, "is " + std::string(value.kind_words()), "write " + std::string(wanted));
    }
    return false;
}

void Reader::map(yaml::Value value, KeyList keys, void* target) {
    const Section alone{{}, {}, {}, keys};
    map(value, std::span(&alone, 1), target);
}

void Reader::map(yaml::Value value, std::span<const Section> table, void* target) {
    for (std::size_t i = 0; i < value.size(); ++i) {
        const yaml::Value name = value.key(i);
        const Step step(*this, name.text());
        const Key* key = find_key(table, name.text());
        if (key == nullptr) {
            unknown_key(name, table);
        } else if (key->field.read == nullptr) {
            error(name, "is not supported yet", "remove it");
        } else {
            key->field.read(*this, value.value(i), target);
        }
    }
}

void Reader::unknown_key(yaml::Value key, std::span<const Section> table) {
    if (key.text() == "<<") {
        error(key, "unknown key", "YAML 1.2 has no merge keys: use `defaults` or a plain alias");
        return;
    }
    std::vector<std::string_view> known;
    for (const Section& section : table) {
        for (const Key& k : section.keys) {
            if (k.field.read != nullptr) known.push_back(k.name);
        }
    }
    if (const auto meant = nearest(key.text(), known)) {
        error(key, "unknown key", "did you mean `" + *meant + "`?");
    } else if (known.size() <= 12) {
        error(key, "unknown key", "known here are " + enumerate(known, "and"));
    } else {
        error(key, "unknown key", "remove it");
    }
}

}  // namespace reeve::config
