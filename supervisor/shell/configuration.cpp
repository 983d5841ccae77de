#include "supervisor/shell/configuration.h"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "config/diff.h"
#include "config/graph.h"
#include "supervisor/core/rehearsal.h"
#include "supervisor/shell/clock.h"
#include "supervisor/shell/status.h"

namespace reeve::shell {

namespace {

using Effect = protocol::DefinitionChange::Effect;

std::optional<Effect> effect_of(config::Change change) {
    switch (change) {
        case config::Change::Unchanged:
            return std::nullopt;
        case config::Change::Live:
            return Effect::Live;
        case config::Change::Restart:
            return Effect::Restart;
        case config::Change::Added:
            return Effect::Added;
        case config::Change::Removed:
            return Effect::Removed;
    }
    return std::nullopt;
}

std::vector<protocol::KeyChange> told_as(std::vector<config::KeyChange> changes) {
    std::vector<protocol::KeyChange> told;
    for (config::KeyChange& change : changes) {
        told.push_back({std::move(change.key), std::move(change.from), std::move(change.to)});
    }
    return told;
}

}  // namespace

Configuration::Configuration(const config::LoadOptions& options, Enablement& enablement,
                             config::PlanPtr plan, const core::Engine& engine, EventQueue& queue,
                             OnChange on_change)
    : options_(options),
      enablement_(enablement),
      plan_(std::move(plan)),
      at_start_(plan_->supervisor),
      engine_(engine),
      queue_(queue),
      on_change_(std::move(on_change)) {}

config::LoadResult Configuration::read() const {
    config::LoadOptions options = options_;
    options.enabled = enablement_.decisions();
    config::LoadResult loaded = config::load(options);
    // The text and its tree are gone; what they took would stay ours for ever.
    ::malloc_trim(0);
    return loaded;
}

protocol::ConfigurationDiff Configuration::compare(const config::LoadResult& loaded) const {
    protocol::ConfigurationDiff diff;
    diff.valid = loaded.plan != nullptr;
    diff.problems = loaded.problems;
    if (!loaded.plan) return diff;
    for (const config::ServiceChange& change : config::diff(*plan_, *loaded.plan).services) {
        const auto effect = effect_of(change.change);
        if (!effect) continue;
        protocol::DefinitionChange told{change.name, *effect, {}};
        if (*effect == Effect::Live || *effect == Effect::Restart) {
            told.keys = told_as(
                config::key_changes(*plan_->services[*plan_->find(change.name)],
                                    *loaded.plan->services[*loaded.plan->find(change.name)]));
        }
        diff.services.push_back(std::move(told));
    }
    diff.supervisor = told_as(config::key_changes(plan_->supervisor, loaded.plan->supervisor));
    diff.not_live = not_live(at_start_, loaded.plan->supervisor);
    // What waits for another start is still to come, though it has been taken in before.
    for (protocol::KeyChange& change :
         told_as(config::key_changes(at_start_, loaded.plan->supervisor))) {
        const auto is_it = [&](const auto& other) { return other.key == change.key; };
        const bool told = std::any_of(diff.supervisor.begin(), diff.supervisor.end(), is_it);
        const bool waits = std::find(diff.not_live.begin(), diff.not_live.end(), change.key) !=
                           diff.not_live.end();
        if (waits && !told) diff.supervisor.push_back(std::move(change));
    }
    return diff;
}

std::vector<protocol::Step> Configuration::steps_to(const config::PlanPtr& plan) const {
    // No other request has this number.
    const core::RequestId request{std::numeric_limits<std::uint64_t>::max()};
    const core::Rehearsal rehearsal =
        core::rehearse(engine_, core::PlanReplaced{plan, false, request, true, {}}, request, now());
    return steps_of(rehearsal);
}

void Configuration::take(config::PlanPtr plan, core::PlanReplaced replaced) {
    on_change_(*plan);
    plan_ = std::move(plan);
    replaced.plan = plan_;
    queue_.push(std::move(replaced));
}

Result<> Configuration::enable(const std::vector<std::string>& services, bool enabled) {
    return enablement_.decide(services, enabled);
}

std::vector<std::string> not_live(const config::Supervisor& before, const config::Supervisor& now) {
    std::vector<std::string> keys;
    if (before.runtime_dir != now.runtime_dir) keys.emplace_back("runtime_dir");
    if (before.log_dir != now.log_dir) keys.emplace_back("log_dir");
    if (before.state_dir != now.state_dir) keys.emplace_back("state_dir");
    if (before.socket.path != now.socket.path) keys.emplace_back("socket.path");
    return keys;
}

std::string summary_of(const protocol::ConfigurationDiff& diff) {
    constexpr std::array words = {std::pair{Effect::Restart, "to be restarted"},
                                  std::pair{Effect::Live, "changed without a restart"},
                                  std::pair{Effect::Added, "added"},
                                  std::pair{Effect::Removed, "removed"}};
    std::string text;
    for (const auto& [effect, word] : words) {
        const auto count = std::count_if(
            diff.services.begin(), diff.services.end(),
            [effect = effect](const auto& change) { return change.effect == effect; });
        if (count == 0) continue;
        text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + word;
    }
    if (!diff.supervisor.empty()) {
        text += (text.empty() ? "" : ", ") + std::string("the supervisor's settings");
    }
    return text.empty() ? "nothing changed" : text;
}

}  // namespace reeve::shell
