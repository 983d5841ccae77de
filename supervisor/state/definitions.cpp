#include "supervisor/state/definitions.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "config/definition.h"
#include "config/literal_yaml.h"
#include "config/load.h"

namespace reeve::state {

namespace {

constexpr std::array<std::string_view, 6> relations{"requires", "wants", "after",
                                                    "before",   "binds", "conflicts"};
/// What else has a meaning for a service without a command.
constexpr std::array<std::string_view, 3> of_groups{"description", "enabled", "groups"};

template <typename Keys>
bool is_one_of(const Keys& keys, std::string_view key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

/// What is written down for this key: of these changes, or before them.
std::string text_of(const Key& key, const Store* store, const Changes& changes) {
    const auto change = changes.find(key);
    if (change != changes.end()) return change->second.value_or(std::string());
    return store != nullptr ? store->read(key) : std::string();
}

}  // namespace

Definition written_definition(const config::Service& service) {
    // Where its output goes is said in any case, so that it does not matter who reads it.
    config::Literal literal = config::definition_of(service, true);
    auto& keys = std::get<config::Literal::Map>(literal.value);
    const bool group = service.execution.command.empty();
    std::erase_if(keys, [&](const auto& key) {
        return is_one_of(relations, key.first) || (group && !is_one_of(of_groups, key.first));
    });
    // That it is there for others is what makes one without a command valid.
    if (group) keys.emplace_back("requires", config::Literal{config::Literal::List()});
    return {service.name, config::definition_document({{service.name, std::move(literal)}}),
            service.relations};
}

Result<config::ServicePtr> service_of(const Definition& definition) {
    const auto loaded = config::load_text(definition.text, definition.name, {});
    if (!loaded.plan) {
        return error(loaded.problems.empty() ? "it is empty" : to_line(loaded.problems.front()));
    }
    const auto& services = loaded.plan->services;
    if (services.size() != 1 || services.front()->name != definition.name) {
        return error("it is not of one service");
    }
    config::Service service = *services.front();
    service.relations = definition.relations;
    return std::make_shared<const config::Service>(std::move(service));
}

std::string written_settings(const config::Supervisor& supervisor) {
    return config::to_yaml({config::Literal::Map{{"supervisor", config::settings_of(supervisor)}}});
}

Result<config::Supervisor> settings_of(const std::string& text) {
    const auto loaded = config::load_text(text, "supervisor", {});
    if (!loaded.plan) return error(to_line(loaded.problems.front()));
    return loaded.settings;
}

std::uint64_t Definitions::number_of(const config::ServicePtr& service, const Store* store,
                                     Changes& changes) {
    Known& known = known_[service.get()];
    // Another one may have had the same address.
    if (!known.service.expired()) return known.number;
    known.service = service;
    std::string text = encode(written_definition(*service), {});
    const std::size_t hash = std::hash<std::string>()(text);
    const auto same = by_hash_.find(hash);
    if (same != by_hash_.end() &&
        text_of({Kind::Definition, same->second}, store, changes) == text) {
        return known.number = same->second;
    }
    known.number = ++last_;
    hashes_[known.number] = hash;
    by_hash_[hash] = known.number;
    changes.insert_or_assign({Kind::Definition, known.number}, std::move(text));
    return known.number;
}

void Definitions::know(std::uint64_t number, const config::ServicePtr& service,
                       const std::string& text) {
    const std::size_t hash = std::hash<std::string>()(text);
    known_.insert_or_assign(service.get(), Known{service, number});
    hashes_[number] = hash;
    by_hash_[hash] = number;
    last_ = std::max(last_, number);
}

void Definitions::erase_unused(Changes& changes) {
    std::erase_if(known_, [](const auto& known) { return known.second.service.expired(); });
    std::unordered_set<std::uint64_t> used;
    for (const auto& [address, known] : known_) used.insert(known.number);
    std::erase_if(hashes_, [&](const auto& number) {
        if (used.contains(number.first)) return false;
        const auto same = by_hash_.find(number.second);
        if (same != by_hash_.end() && same->second == number.first) by_hash_.erase(same);
        changes.insert_or_assign({Kind::Definition, number.first}, std::nullopt);
        return true;
    });
}

}  // namespace reeve::state
