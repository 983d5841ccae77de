#pragma once

#include <map>
#include <string>
#include <vector>

#include "supervisor/core/engine.h"

namespace reeve::test {

/// What a shell would have written down of an engine that may die at any moment: after each event
/// those that it says may have changed.
class Records {
  public:
    void take(core::Engine& engine) {
        plan_ = engine.units().plan_ptr();
        snapshot_ = engine.snapshot();
        for (const core::ServiceId id : engine.take_changed()) {
            const core::Unit* unit = std::as_const(engine).units().find(id);
            if (unit == nullptr) {
                units_.erase(id);
            } else {
                units_.insert_or_assign(id, unit->snapshot());
            }
        }
    }

    /// The services that differ from what is written down of them.
    std::vector<std::string> outdated(const core::Engine& engine) const {
        std::vector<std::string> names;
        std::size_t known = 0;
        engine.units().for_each([&](const core::Unit& unit) {
            ++known;
            const auto found = units_.find(unit.id());
            if (found == units_.end() || !is_same(found->second, unit.snapshot())) {
                names.push_back(unit.name());
            }
        });
        if (known != units_.size()) names.emplace_back("one that is gone");
        return names;
    }

    core::Engine successor() const {
        std::vector<core::UnitSnapshot> units;
        for (const auto& [id, unit] : units_) units.push_back(unit);
        return core::Engine(plan_, snapshot_, units);
    }

  private:
    /// The definition of a run may have been made for it alone.
    static bool is_same(const core::UnitSnapshot& before, core::UnitSnapshot now) {
        const config::ServicePtr& run = before.memory.run_definition;
        config::ServicePtr& of_now = now.memory.run_definition;
        if (run && of_now && run->execution == of_now->execution && run->policy == of_now->policy &&
            run->relations == of_now->relations) {
            of_now = run;
        }
        return before == now;
    }

    config::PlanPtr plan_;
    core::Engine::Snapshot snapshot_;
    std::map<core::ServiceId, core::UnitSnapshot> units_;
};

}  // namespace reeve::test
