#include "config/relations.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include "base/nearest.h"
#include "config/graph.h"

namespace reeve::config {

namespace {

/// More would hide the rest, and each costs a look at every name or edge.
constexpr int kMostSuggestions = 100;
constexpr std::size_t kMostCycles = 50;

struct Relation {
    std::string_view key;
    std::vector<std::string> Relations::*names;
};
constexpr Relation kRelations[] = {{"requires", &Relations::requires_},
                                   {"wants", &Relations::wants},
                                   {"after", &Relations::after},
                                   {"before", &Relations::before}};

class RelationChecks {
  public:
    RelationChecks(const std::vector<NamedRelations>& services, std::vector<Problem>& problems)
        : services_(services), problems_(problems) {
        for (const NamedRelations& service : services) {
            by_name_.emplace(service.name, &service);
            names_.push_back(service.name);
        }
    }

    void check() {
        for (const NamedRelations& service : services_) {
            for (const Relation& relation : kRelations) {
                for (const std::string& name : service.relations.*relation.names) {
                    check_name(service, relation, name);
                }
            }
        }
        check_cycles();
    }

  private:
    /// Where a service names another: the item of the list.
    static yaml::Value place(const NamedRelations& service, std::string_view key,
                             std::string_view name) {
        const yaml::Value list = service.origin.find(key);
        for (std::size_t i = 0; list.kind() == yaml::Kind::Sequence && i < list.size(); ++i) {
            if (list.item(i).text() == name) return list.item(i);
        }
        return list;
    }

    void report(Severity severity, const NamedRelations& service, std::string_view key,
                std::string_view name, std::string what, std::string what_to_do) {
        problems_.push_back({severity, place(service, key, name).position(),
                             "services." + service.name + "." + std::string(key), std::move(what),
                             std::move(what_to_do)});
    }

    void check_name(const NamedRelations& service, const Relation& relation,
                    const std::string& name) {
        if (name == service.name) {
            return report(Severity::Error, service, relation.key, name, "names itself",
                          "remove it");
        }
        if (by_name_.contains(name)) return;
        std::optional<std::string> meant;
        if (suggestions_++ < kMostSuggestions) meant = nearest(name, names_);
        report(relation.key == "requires" ? Severity::Error : Severity::Warning, service,
               relation.key, name, "there is no service " + quote(name),
               meant ? "did you mean " + *meant + "?" : "add it, or remove the name");
    }

    void check_cycles() {
        std::vector<ServicePtr> bare;
        for (const NamedRelations& service : services_) {
            Service s{service.name, {}, {}, service.relations};
            for (const Relation& relation : kRelations) {
                std::erase(s.relations.*relation.names, s.name);  // reported already
            }
            bare.push_back(std::make_shared<const Service>(std::move(s)));
        }
        std::sort(bare.begin(), bare.end(),
                  [](const ServicePtr& a, const ServicePtr& b) { return a->name < b->name; });
        for (const Cycle& cycle : find_cycles(link(bare), kMostCycles)) {
            std::string path;
            for (const std::uint32_t i : cycle) path += bare[i]->name + " -> ";
            path += bare[cycle.front()]->name;
            const std::string& from = bare[cycle[0]]->name;
            const std::string& to = bare[cycle[1]]->name;
            report_cycle(*by_name_.at(from), *by_name_.at(to), path);
        }
    }

    /// At the place where the first edge of it is written down.
    void report_cycle(const NamedRelations& from, const NamedRelations& to,
                      const std::string& path) {
        const std::string what = "dependency cycle " + path;
        const std::string what_to_do = "remove one of these relations";
        for (const Relation& relation : kRelations) {
            const auto& names = from.relations.*relation.names;
            if (relation.key == "before" ||
                std::find(names.begin(), names.end(), to.name) == names.end()) {
                continue;
            }
            return report(Severity::Error, from, relation.key, to.name, what, what_to_do);
        }
        report(Severity::Error, to, "before", from.name, what, what_to_do);
    }

    const std::vector<NamedRelations>& services_;
    std::vector<Problem>& problems_;
    std::unordered_map<std::string_view, const NamedRelations*> by_name_;
    std::vector<std::string_view> names_;
    int suggestions_ = 0;
};

}  // namespace

void check_relations(const std::vector<NamedRelations>& services, std::vector<Problem>& problems) {
    RelationChecks(services, problems).check();
}

}  // namespace reeve::config
