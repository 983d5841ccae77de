#include "config/relations.h"

#include <algorithm>
#include <memory>
#include <span>
#include <unordered_map>

#include "base/nearest.h"
#include "config/graph.h"
#include "config/instances.h"

namespace reeve::config {

namespace {

/// More would hide the rest, and each costs a look at every name or edge.
constexpr int kMostSuggestions = 100;
constexpr std::size_t kMostCycles = 50;
/// Of all services together once instances are counted one by one: each has memory of its own.
constexpr std::size_t kMostNames = 1'000'000;

struct Relation {
    std::string_view key;
    std::vector<std::string> Relations::*names;
};
constexpr Relation kRelations[] = {
    {"requires", &Relations::requires_}, {"wants", &Relations::wants},
    {"after", &Relations::after},        {"before", &Relations::before},
    {"binds", &Relations::binds},        {"conflicts", &Relations::conflicts}};

/// Knows which services a name stands for.
class Directory {
  public:
    explicit Directory(std::vector<std::string_view> names) : names_(std::move(names)) {
        std::sort(names_.begin(), names_.end());
    }

    /// The service of this name, else its instances, in order.
    std::span<const std::string_view> meant_by(std::string_view name) const {
        const auto first = std::lower_bound(names_.begin(), names_.end(), name);
        if (first != names_.end() && *first == name) return {first, first + 1};
        const std::string prefix = std::string(name) + '@';
        const auto begin = std::lower_bound(first, names_.end(), prefix);
        const auto end = std::find_if_not(
            begin, names_.end(), [&](std::string_view n) { return n.starts_with(prefix); });
        return {begin, end};
    }

    bool means(std::string_view name, std::string_view service) const {
        const auto meant = meant_by(name);
        return std::binary_search(meant.begin(), meant.end(), service);
    }

    void expand(Relations& relations) const {
        for (const Relation& relation : kRelations) {
            auto& names = relations.*relation.names;
            std::vector<std::string> expanded;
            for (const std::string& name : names) {
                const auto meant = meant_by(name);
                expanded.insert(expanded.end(), meant.begin(), meant.end());
                if (meant.empty()) expanded.push_back(name);
            }
            std::sort(expanded.begin(), expanded.end());
            expanded.erase(std::unique(expanded.begin(), expanded.end()), expanded.end());
            names = std::move(expanded);
        }
    }

  private:
    std::vector<std::string_view> names_;
};

template <typename Services>
Directory directory_of(const Services& services) {
    std::vector<std::string_view> names;
    for (const auto& service : services) names.push_back(service.name);
    return Directory(std::move(names));
}

class RelationChecks {
  public:
    RelationChecks(const std::vector<NamedRelations>& services,
                   const std::set<std::string_view>& unclear, std::vector<Problem>& problems)
        : services_(services),
          unclear_(unclear),
          problems_(problems),
          directory_(directory_of(services)) {
        for (const NamedRelations& service : services) {
            by_name_.emplace(service.name, &service);
            names_.push_back(service.name);
            const std::string_view base = base_of(service.name);
            if (names_.size() < 2 || base_of(names_[names_.size() - 2]) != base) {
                names_.push_back(base);
            }
        }
    }

    void check() {
        for (const NamedRelations& service : services_) {
            for (const Relation& relation : kRelations) {
                for (const std::string& name : service.relations.*relation.names) {
                    check_name(service, relation, name);
                }
            }
            if (count_ > kMostNames) return;
        }
        check_graph();
    }

  private:
    /// Where a service names another: the item of the list.
    static yaml::Value place(const NamedRelations& service, std::string_view key,
                             std::string_view name) {
        const yaml::Value list = service.origin.find(key);
        yaml::Value found;
        for (std::size_t i = 0; list.kind() == yaml::Kind::Sequence && i < list.size(); ++i) {
            const std::string_view text = list.item(i).text();
            if (text == name) return list.item(i);
            if (text == base_of(name) || text.find("${") != text.npos) found = list.item(i);
        }
        return found ? found : list;
    }

    void report(Severity severity, const NamedRelations& service, std::string_view key,
                std::string_view name, std::string what, std::string what_to_do) {
        std::string path = service.origin.path();
        path.append(".").append(key);
        problems_.push_back({severity, place(service, key, name).position(), std::move(path),
                             std::move(what), std::move(what_to_do)});
    }

    void check_name(const NamedRelations& service, const Relation& relation,
                    const std::string& name) {
        if (directory_.means(name, service.name)) {
            return report(Severity::Error, service, relation.key, name, "names itself",
                          "remove it");
        }
        const std::size_t meant = directory_.meant_by(name).size();
        const bool too_many = count_ <= kMostNames && (count_ += meant) > kMostNames;
        if (too_many) {
            return report(Severity::Error, service, relation.key, name,
                          "relations name more than " + std::to_string(kMostNames) +
                              " services, instances counted one by one",
                          "name fewer");
        }
        if (meant > 0 || unclear_.contains(base_of(name))) return;
        std::optional<std::string> suggestion;
        if (suggestions_++ < kMostSuggestions) suggestion = nearest(name, names_);
        const bool needed = relation.key == "requires" || relation.key == "binds";
        report(needed ? Severity::Error : Severity::Warning, service, relation.key, name,
               "there is no service " + quote(name),
               suggestion ? "did you mean " + *suggestion + "?" : "add it, or remove the name");
    }

    void check_graph() {
        for (const NamedRelations& service : services_) {
            if (unclear_.contains(base_of(service.name))) continue;
            Service s{service.name, {}, {}, service.relations};
            directory_.expand(s.relations);
            for (const Relation& relation : kRelations) {
                std::erase(s.relations.*relation.names, s.name);  // reported already
            }
            bare_.push_back(std::make_shared<const Service>(std::move(s)));
        }
        std::sort(bare_.begin(), bare_.end(),
                  [](const ServicePtr& a, const ServicePtr& b) { return a->name < b->name; });
        const std::vector<Links> links = link(bare_);
        const std::vector<Cycle> cycles = find_cycles(links, kMostCycles);
        for (const Cycle& cycle : cycles) {
            std::string path;
            for (const std::uint32_t i : cycle) path += bare_[i]->name + " -> ";
            path += bare_[cycle.front()]->name;
            report_cycle(named(cycle[0]), named(cycle[1]), path);
        }
        if (!cycles.empty()) return;
        const std::vector<Contradiction> contradictions = find_contradictions(links, kMostCycles);
        for (const Contradiction& found : contradictions) {
            report_contradiction(found, links[found.service]);
        }
        if (contradictions.empty()) check_boot(links);
    }

    /// Of those that are enabled and conflict, the first by name is started at boot.
    void check_boot(const std::vector<Links>& links) {
        std::vector<bool> started(links.size());
        std::size_t warnings = 0;
        for (std::uint32_t i = 0; i < links.size(); ++i) {
            if (!named(i).enabled) continue;
            const auto& rivals = links[i].conflicts;
            const auto rival = std::find_if(rivals.begin(), rivals.end(),
                                            [&](std::uint32_t other) { return started[other]; });
            started[i] = rival == rivals.end();
            if (!started[i] && warnings++ < kMostCycles) report_boot(named(i), named(*rival));
        }
    }

    const NamedRelations& named(std::uint32_t i) const { return *by_name_.at(bare_[i]->name); }

    bool names(const NamedRelations& from, const Relation& relation,
               const NamedRelations& to) const {
        const auto& names = from.relations.*relation.names;
        return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
            return directory_.means(name, to.name);
        });
    }

    /// At the place where the first edge of it is written down.
    void report_cycle(const NamedRelations& from, const NamedRelations& to,
                      const std::string& path) {
        const std::string what = "dependency cycle " + path;
        const std::string what_to_do = "remove one of these relations";
        for (const Relation& relation : kRelations) {
            if (relation.key == "before" || relation.key == "conflicts" ||
                !names(from, relation, to)) {
                continue;
            }
            return report(Severity::Error, from, relation.key, to.name, what, what_to_do);
        }
        report(Severity::Error, to, "before", from.name, what, what_to_do);
    }

    /// At the place where the conflict of the two is written down.
    void report_conflict(Severity severity, const NamedRelations& one, const NamedRelations& other,
                         std::string what, std::string what_to_do) {
        constexpr Relation kConflicts{"conflicts", &Relations::conflicts};
        const bool by_one = names(one, kConflicts, other);
        report(severity, by_one ? one : other, "conflicts", by_one ? other.name : one.name,
               std::move(what), std::move(what_to_do));
    }

    void report_boot(const NamedRelations& left_out, const NamedRelations& started) {
        std::string what = started.name;
        what.append(" and ")
            .append(left_out.name)
            .append(" conflict and are both enabled: at boot ");
        what.append(started.name).append(" is started, the first by name, and ");
        what.append(left_out.name).append(" is not");
        report_conflict(Severity::Warning, left_out, started, std::move(what),
                        "write `enabled: false` in one of them");
    }

    void report_contradiction(const Contradiction& found, const Links& links) {
        const NamedRelations& one = named(found.one);
        const NamedRelations& other = named(found.other);
        std::string what = one.name;
        what.append(" and ").append(other.name).append(" conflict, though ");
        what.append(bare_[found.service]->name);
        if (found.service != found.one && found.service != found.other) {
            what.append(" requires both");
        } else {
            const std::uint32_t needed = found.service == found.one ? found.other : found.one;
            const bool only_wanted =
                std::binary_search(links.wants.begin(), links.wants.end(), needed);
            what.append(only_wanted ? " wants " : " requires ").append(bare_[needed]->name);
        }
        report_conflict(Severity::Error, one, other, std::move(what),
                        "remove one of these relations");
    }

    const std::vector<NamedRelations>& services_;
    const std::set<std::string_view>& unclear_;
    std::vector<Problem>& problems_;
    Directory directory_;
    std::unordered_map<std::string_view, const NamedRelations*> by_name_;
    std::vector<std::string_view> names_;
    std::vector<ServicePtr> bare_;
    std::size_t count_ = 0;
    int suggestions_ = 0;
};

}  // namespace

void check_relations(const std::vector<NamedRelations>& services,
                     const std::set<std::string_view>& unclear, std::vector<Problem>& problems) {
    RelationChecks(services, unclear, problems).check();
}

void leave_out_itself(Relations& relations, const std::string& service) {
    for (const Relation& relation : kRelations) {
        std::erase(relations.*relation.names, service);
        std::erase(relations.*relation.names, base_of(service));
    }
}

void expand_instances(std::vector<Service>& services) {
    const Directory directory = directory_of(services);
    for (Service& service : services) directory.expand(service.relations);
}

}  // namespace reeve::config
