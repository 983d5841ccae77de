#include "config/diff.h"

#include <algorithm>

#include "config/draft.h"
#include "config/service_keys.h"

namespace reeve::config {

namespace {

std::vector<std::string> differing_keys(std::span<const Section> table, const void* old,
                                        const void* now) {
    std::vector<std::string> keys;
    for (const Section& section : table) {
        for (const Key& key : section.keys) {
            if (key.field.same != nullptr && !key.field.same(old, now)) {
                keys.emplace_back(key.name);
            }
        }
    }
    return keys;
}

std::vector<std::string> numbers(const std::vector<gid_t>& gids) {
    std::vector<std::string> all;
    for (const gid_t gid : gids) all.push_back(std::to_string(gid));
    return all;
}

/// What the table sees, with users and groups as they were found, whatever the files call them.
Draft resolved(const Service& service) {
    Draft draft = draft_of(service);
    if (!service.execution.credentials) return draft;
    const Credentials& found = *service.execution.credentials;
    Identity& identity = draft.identity;
    const bool of_a_user = identity.user.has_value();
    if (of_a_user) {
        identity.user = std::to_string(found.uid);
        for (const std::string* part : {&found.user, &found.home, &found.shell}) {
            if (!part->empty()) identity.user->append(" ").append(*part);
        }
    }
    if (of_a_user || identity.group) identity.group = std::to_string(found.gid);
    if (of_a_user || identity.supplementary_groups) {
        identity.supplementary_groups = numbers(found.supplementary_groups);
    }
    return draft;
}

SupervisorDraft resolved(const Supervisor& supervisor) {
    SupervisorDraft draft = draft_of(supervisor);
    draft.socket.group.reset();
    if (supervisor.socket.group) draft.socket.group = std::to_string(*supervisor.socket.group);
    draft.access = {numbers(supervisor.access.operate), numbers(supervisor.access.read)};
    return draft;
}

/// One of the two that are compared, three times over, for the table to look into.
struct Side {
    const void* words;     ///< as the files say it
    const void* resolved;  ///< as it was found
    const void* fallback;  ///< as it is without any key
};

/// Whether no such map is the same as an empty one; of others it means that there is no such thing.
bool is_always_there(const Field& field) {
    return field.kind == Kind::Variables || field.kind == Kind::Limits ||
           (field.kind == Kind::Map && field.words.empty());
}

Literal value_of(const Literal::Map& map, std::string_view key) {
    const auto found =
        std::find_if(map.begin(), map.end(), [&](const auto& entry) { return entry.first == key; });
    return found != map.end() ? found->second : Literal{};
}

void add_change(std::vector<KeyChange>& changes, const Key& key, Literal from, Literal to) {
    if (is_always_there(key.field)) {
        if (from.is_null()) from.value = Literal::Map();
        if (to.is_null()) to.value = Literal::Map();
    }
    const auto* before = std::get_if<Literal::Map>(&from.value);
    const auto* after = std::get_if<Literal::Map>(&to.value);
    std::string name(key.name);
    if (before == nullptr || after == nullptr) {
        changes.push_back({std::move(name), std::move(from), std::move(to)});
        return;
    }
    name += '.';
    for (const auto& [part, old] : *before) {
        Literal now = value_of(*after, part);
        if (now != old) changes.push_back({name + part, old, std::move(now)});
    }
    for (const auto& [part, now] : *after) {
        if (value_of(*before, part).is_null()) changes.push_back({name + part, {}, now});
    }
}

std::vector<KeyChange> key_changes(std::span<const Section> table, Side old, Side now) {
    std::vector<KeyChange> changes;
    for (const Section& section : table) {
        for (const Key& key : section.keys) {
            const Field& field = key.field;
            if (field.same == nullptr || field.same(old.resolved, now.resolved)) continue;
            Literal from = field.write(old.words, old.fallback);
            Literal to = field.write(now.words, now.fallback);
            if (from == to) {
                from = field.write(old.resolved, now.resolved);
                to = field.write(now.resolved, old.resolved);
            }
            add_change(changes, key, std::move(from), std::move(to));
        }
    }
    return changes;
}

/// A process hears only when it is executed how often it has to say that it is alive.
bool is_watched_more(const Policy& old, const Policy& now) {
    return now.watchdog && (!old.watchdog || *now.watchdog < *old.watchdog);
}

ServiceChange compare(const Service& old, const Service& now) {
    ServiceChange change{now.name, Change::Unchanged, {}};
    if (&old == &now) return change;
    const bool same_execution = old.execution == now.execution;
    if (same_execution && old.policy == now.policy && old.relations == now.relations) {
        return change;
    }
    // Other descriptors reach a process only when it is executed.
    const bool same_descriptors = old.policy.log.kind == now.policy.log.kind;
    const bool goes_on =
        same_execution && same_descriptors && !is_watched_more(old.policy, now.policy);
    change.change = goes_on ? Change::Live : Change::Restart;
    const Draft before = resolved(old), after = resolved(now);
    change.keys = differing_keys(service_table(), &before, &after);
    return change;
}

}  // namespace

PlanDiff diff(const Plan& old, const Plan& now) {
    PlanDiff result;
    auto before = old.services.begin();
    auto after = now.services.begin();
    while (before != old.services.end() || after != now.services.end()) {
        const bool only_before = after == now.services.end() ||
                                 (before != old.services.end() && (*before)->name < (*after)->name);
        if (only_before) {
            result.services.push_back({(*before++)->name, Change::Removed, {}});
        } else if (before == old.services.end() || (*after)->name < (*before)->name) {
            result.services.push_back({(*after++)->name, Change::Added, {}});
        } else {
            result.services.push_back(compare(**before++, **after++));
        }
    }
    const SupervisorDraft left = resolved(old.supervisor), right = resolved(now.supervisor);
    result.supervisor_keys = differing_keys(supervisor_table(), &left, &right);
    return result;
}

std::vector<KeyChange> key_changes(const Service& old, const Service& now) {
    const Draft words_before = draft_of(old), words_after = draft_of(now);
    const Draft before = resolved(old), after = resolved(now);
    const Draft bare_before = fallback_of(old, false), bare_after = fallback_of(now, false);
    return key_changes(service_table(), {&words_before, &before, &bare_before},
                       {&words_after, &after, &bare_after});
}

std::vector<KeyChange> key_changes(const Supervisor& old, const Supervisor& now) {
    const SupervisorDraft words_before = draft_of(old), words_after = draft_of(now);
    const SupervisorDraft before = resolved(old), after = resolved(now);
    const SupervisorDraft bare;
    return key_changes(supervisor_table(), {&words_before, &before, &bare},
                       {&words_after, &after, &bare});
}

bool PlanDiff::empty() const {
    return supervisor_keys.empty() &&
           std::all_of(services.begin(), services.end(), [](const ServiceChange& change) {
               return change.change == Change::Unchanged;
           });
}

}  // namespace reeve::config
