#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/load.h"
#include "ctl/protocol/result.h"
#include "supervisor/core/engine.h"
#include "supervisor/shell/enablement.h"
#include "supervisor/shell/event_queue.h"

namespace reeve::shell {

/// The configuration in force: what the files said when they were last read, with the lasting
/// decisions laid over. Reads them again when asked, compares, and hands a new plan to the engine.
class Configuration {
  public:
    /// Called with the plan that is about to be in force.
    using OnChange = std::function<void(const config::Plan&)>;

    Configuration(const config::LoadOptions& options, Enablement& enablement, config::PlanPtr plan,
                  const core::Engine& engine, EventQueue& queue, OnChange on_change);

    const config::Plan& plan() const { return *plan_; }
    const config::Supervisor& at_start() const { return at_start_; }

    /// Reads the files, which changes nothing. Looks up users and groups, which may block.
    config::LoadResult read() const;

    /// What a reading would change, without the steps.
    protocol::ConfigurationDiff compare(const config::LoadResult& loaded) const;
    /// What taking a plan would do to services, in order.
    std::vector<protocol::Step> steps_to(const config::PlanPtr& plan) const;

    /// Puts a plan in force; `replaced` is what the engine is told, but for the plan.
    void take(config::PlanPtr plan, core::PlanReplaced replaced);

    /// Decides lastingly whether services are started at boot.
    Result<> enable(const std::vector<std::string>& services, bool enabled);

  private:
    config::LoadOptions options_;
    Enablement& enablement_;
    config::PlanPtr plan_;
    config::Supervisor at_start_;  ///< the settings that count until the supervisor is started anew
    const core::Engine& engine_;
    EventQueue& queue_;
    OnChange on_change_;
};

/// The settings of the supervisor that differ and take another start of it.
std::vector<std::string> not_live(const config::Supervisor& before, const config::Supervisor& now);

/// "1 restarted, 2 added": what a diff does to services, for people.
std::string summary_of(const protocol::ConfigurationDiff& diff);

}  // namespace reeve::shell
