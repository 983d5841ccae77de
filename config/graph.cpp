#include "config/graph.h"

#include <algorithm>
#include <bit>
#include <span>
#include <string_view>

namespace reeve::config {

namespace {

std::optional<std::uint32_t> find_service(const std::vector<ServicePtr>& services,
                                          std::string_view name) {
    const auto found =
        std::lower_bound(services.begin(), services.end(), name,
                         [](const ServicePtr& s, std::string_view n) { return s->name < n; });
    if (found == services.end() || (*found)->name != name) return std::nullopt;
    return static_cast<std::uint32_t>(found - services.begin());
}

void make_set(std::vector<std::uint32_t>& indices) {
    std::sort(indices.begin(), indices.end());
    indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
    indices.shrink_to_fit();
}

/// Depth first, on a stack of its own: a chain may be as long as there are services.
class CycleSearch {
  public:
    CycleSearch(const std::vector<Links>& links, std::size_t most) : links_(links), most_(most) {}

    std::vector<Cycle> run() {
        colours_.assign(links_.size(), Colour::New);
        for (std::uint32_t i = 0; i < links_.size() && cycles_.size() < most_; ++i) {
            if (colours_[i] == Colour::New) search_from(i);
        }
        std::sort(cycles_.begin(), cycles_.end());
        cycles_.erase(std::unique(cycles_.begin(), cycles_.end()), cycles_.end());
        return std::move(cycles_);
    }

  private:
    enum class Colour : std::uint8_t { New, OnPath, Done };
    struct Visit {
        std::uint32_t service;
        std::vector<std::uint32_t> next;
        std::size_t at = 0;
    };

    void enter(std::uint32_t service) {
        const Links& l = links_[service];
        Visit visit{service, l.requires_};
        visit.next.insert(visit.next.end(), l.wants.begin(), l.wants.end());
        visit.next.insert(visit.next.end(), l.after.begin(), l.after.end());
        make_set(visit.next);
        colours_[service] = Colour::OnPath;
        path_.push_back(std::move(visit));
    }

    void search_from(std::uint32_t service) {
        enter(service);
        while (!path_.empty()) {
            Visit& top = path_.back();
            if (top.at == top.next.size()) {
                colours_[top.service] = Colour::Done;
                path_.pop_back();
                continue;
            }
            const std::uint32_t next = top.next[top.at++];
            if (colours_[next] == Colour::New) {
                enter(next);
            } else if (colours_[next] == Colour::OnPath && cycles_.size() < most_) {
                note_cycle_to(next);
            }
        }
    }

    void note_cycle_to(std::uint32_t service) {
        Cycle cycle;
        for (auto visit = path_.rbegin();; ++visit) {
            cycle.push_back(visit->service);
            if (visit->service == service) break;
        }
        std::reverse(cycle.begin(), cycle.end());
        std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
        cycles_.push_back(std::move(cycle));
    }

    const std::vector<Links>& links_;
    std::size_t most_;
    std::vector<Colour> colours_;
    std::vector<Visit> path_;
    std::vector<Cycle> cycles_;
};

/// Lets what is required rise to those who require it, a word of bits at a time: two bits for each
/// pair that conflicts, so that many pairs cost one walk.
class ContradictionSearch {
  public:
    ContradictionSearch(const std::vector<Links>& links, std::size_t most)
        : links_(links), most_(most) {}

    std::vector<Contradiction> run() {
        std::vector<Pair> pairs;
        for (std::uint32_t i = 0; i < links_.size(); ++i) {
            for (const std::uint32_t other : links_[i].conflicts) {
                if (i < other) pairs.push_back({i, other});
            }
        }
        if (!pairs.empty()) put_in_order();
        for (std::size_t i = 0; i < pairs.size() && found_.size() < most_; i += kPairsAtOnce) {
            look_at(std::span(pairs).subspan(i, std::min(kPairsAtOnce, pairs.size() - i)));
        }
        return std::move(found_);
    }

  private:
    static constexpr std::size_t kPairsAtOnce = 32;
    struct Pair {
        std::uint32_t one, other;
    };

    /// Each after all that it requires.
    void put_in_order() {
        std::vector<std::size_t> open(links_.size());
        for (std::uint32_t i = 0; i < links_.size(); ++i) {
            open[i] = links_[i].requires_.size();
            if (open[i] == 0) order_.push_back(i);
        }
        for (std::size_t at = 0; at < order_.size(); ++at) {
            for (const std::uint32_t user : links_[order_[at]].required_by) {
                if (--open[user] == 0) order_.push_back(user);
            }
        }
    }

    void look_at(std::span<const Pair> pairs) {
        std::vector<std::uint64_t> needs(links_.size());
        std::uint64_t open = 0;
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            const auto [one, other] = pairs[i];
            if (wants(one, other)) {
                note({one, one, other});
            } else if (wants(other, one)) {
                note({other, one, other});
            } else {
                needs[one] |= std::uint64_t{1} << (2 * i);
                needs[other] |= std::uint64_t{2} << (2 * i);
                open |= std::uint64_t{1} << (2 * i);
            }
        }
        for (const std::uint32_t service : order_) {
            for (const std::uint32_t other : links_[service].requires_) {
                needs[service] |= needs[other];
            }
            std::uint64_t both = needs[service] & (needs[service] >> 1) & open;
            open &= ~both;
            for (; both != 0; both &= both - 1) {
                const auto i = static_cast<std::size_t>(std::countr_zero(both)) / 2;
                note({service, pairs[i].one, pairs[i].other});
            }
        }
    }

    bool wants(std::uint32_t one, std::uint32_t other) const {
        const auto& wanted = links_[one].wants;
        return std::binary_search(wanted.begin(), wanted.end(), other);
    }
    void note(Contradiction contradiction) {
        if (found_.size() < most_) found_.push_back(contradiction);
    }

    const std::vector<Links>& links_;
    std::size_t most_;
    std::vector<std::uint32_t> order_;
    std::vector<Contradiction> found_;
};

}  // namespace

std::vector<Contradiction> find_contradictions(const std::vector<Links>& links, std::size_t most) {
    return ContradictionSearch(links, most).run();
}

std::vector<Links> link(const std::vector<ServicePtr>& services) {
    std::vector<Links> links(services.size());
    const auto resolve = [&](const std::vector<std::string>& names, auto use) {
        for (const std::string& name : names) {
            if (const auto found = find_service(services, name)) use(*found);
        }
    };
    for (std::uint32_t i = 0; i < services.size(); ++i) {
        const Relations& relations = services[i]->relations;
        resolve(relations.requires_, [&](std::uint32_t other) {
            links[i].requires_.push_back(other);
            links[other].required_by.push_back(i);
        });
        resolve(relations.binds, [&](std::uint32_t other) {
            links[i].binds.push_back(other);
            links[other].bound_by.push_back(i);
            links[i].requires_.push_back(other);
            links[other].required_by.push_back(i);
        });
        resolve(relations.wants, [&](std::uint32_t other) {
            links[i].wants.push_back(other);
            links[other].wanted_by.push_back(i);
        });
        resolve(relations.after, [&](std::uint32_t other) {
            links[i].after.push_back(other);
            links[other].before.push_back(i);
        });
        resolve(relations.before, [&](std::uint32_t other) {
            links[i].before.push_back(other);
            links[other].after.push_back(i);
        });
        resolve(relations.conflicts, [&](std::uint32_t other) {
            links[i].conflicts.push_back(other);
            links[other].conflicts.push_back(i);
        });
    }
    for (Links& l : links) {
        for (auto* set : {&l.requires_, &l.binds, &l.wants, &l.after, &l.required_by, &l.wanted_by,
                          &l.before, &l.bound_by, &l.conflicts}) {
            make_set(*set);
        }
    }
    return links;
}

std::vector<Cycle> find_cycles(const std::vector<Links>& links, std::size_t most) {
    return CycleSearch(links, most).run();
}

PlanPtr make_plan(std::vector<Service> services, Supervisor supervisor,
                  std::vector<std::string> files) {
    auto plan = std::make_shared<Plan>();
    plan->supervisor = std::move(supervisor);
    plan->files = std::move(files);
    std::sort(services.begin(), services.end(),
              [](const Service& a, const Service& b) { return a.name < b.name; });
    plan->services.reserve(services.size());
    for (Service& service : services) {
        plan->services.push_back(std::make_shared<const Service>(std::move(service)));
    }
    plan->links = LinkTable(link(plan->services));
    return plan;
}

PlanPtr with_enabled(const Plan& plan, const std::map<std::string, bool>& enabled) {
    auto changed = std::make_shared<Plan>(plan);
    for (const auto& [name, value] : enabled) {
        const auto place = plan.find(name);
        if (!place || plan.services[*place]->policy.enabled == value) continue;
        auto service = std::make_shared<Service>(*plan.services[*place]);
        service->policy.enabled = value;
        changed->services[*place] = std::move(service);
    }
    return changed;
}

std::optional<std::uint32_t> Plan::find(std::string_view name) const {
    return find_service(services, name);
}

}  // namespace reeve::config
