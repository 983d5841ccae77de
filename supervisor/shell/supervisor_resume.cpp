// How a supervisor takes over from one that ended without a word.
#include <sys/random.h>

#include <map>
#include <set>

#include "supervisor/shell/clock.h"
#include "supervisor/shell/supervisor.h"

namespace reeve::shell {

namespace {

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    if (::getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed) {
        seed = static_cast<std::uint64_t>(now().time_since_epoch().count());
    }
    return seed;
}

/// So many faults within so long are too many.
constexpr std::size_t most_faults = 3;
constexpr Duration faulty_time = 1min;
/// EX_SOFTWARE of sysexits.h.
constexpr int status_after_faults = 70;

}  // namespace

core::Engine Supervisor::make_engine(const config::PlanPtr& plan,
                                     const std::optional<state::Predecessor>& predecessor) {
    if (!predecessor) return {plan, random_seed()};
    return {predecessor->plan, predecessor->engine, predecessor->units};
}

void Supervisor::take_over(const state::Predecessor& predecessor) {
    resumed_.emplace();
    if (setup_.handover) {
        for (core::OpenRequest& open : setup_.handover->requests) engine_.restore(std::move(open));
    }
    std::set<std::string> known;
    for (const core::UnitSnapshot& unit : predecessor.units) known.insert(unit.definition->name);
    for (const config::ServicePtr& service : predecessor.plan->services) {
        if (known.contains(service->name)) continue;
        unknown_.push_back(std::as_const(engine_).units().find(service->name)->id());
    }
    for (const state::Run& run : predecessor.runs) {
        const core::Unit* unit = std::as_const(engine_).units().by_run(run.id);
        // One that was let go.
        if (unit == nullptr) {
            recorder_.erase(run.id);
        } else if (runs_.resume(run, *unit)) {
            resumed_->runs.push_back(run.id);
        }
    }
    for (const state::Command& command : predecessor.commands) {
        if (tasks_.resume(command)) resumed_->commands.push_back(command.id);
    }
    std::string line = "taking over from an earlier reeved that ended without a word: ";
    if (setup_.handover) line = "taking over from reeved " + setup_.handover->version + ": ";
    line += std::to_string(resumed_->runs.size());
    line += resumed_->runs.size() == 1 ? " run of " : " runs of ";
    line += std::to_string(predecessor.units.size());
    line += predecessor.units.size() == 1 ? " service" : " services";
    log_.info(line);
}

/// What services have written under a killed predecessor, and may go on writing, waits in their
/// pipes.
void Supervisor::adopt_logs(const state::Predecessor* predecessor) {
    std::map<std::string, config::Log> logs;
    std::set<std::string> resumed;
    if (predecessor != nullptr) {
        for (const state::Run& run : predecessor->runs) {
            logs[run.definition->name] = run.definition->policy.log;
            if (std::as_const(engine_).units().by_run(run.id) == nullptr) continue;
            resumed.insert(run.definition->name);
        }
    }
    for (const config::ServicePtr& service : plan_->services) {
        const config::Log& log = service->policy.log;
        if (log.kind == config::Log::Kind::Capture) logs[service->name] = log;
    }
    for (const auto& [name, log] : logs) {
        if (log.kind != config::Log::Kind::Capture) continue;
        auto adopted = collector_.adopt(name, log);
        if (!adopted) {
            log_.warning(adopted.error().text() + "; ignoring what was in there");
        } else if (*adopted && !resumed.contains(name)) {
            heirlooms_.insert(name);
        }
    }
}

/// One fault after the other would go on for ever.
void Supervisor::end_if_faulty() {
    if (setup_.faults.empty() || setup_.handover) return;
    const auto recent = static_cast<std::size_t>(
        std::count_if(setup_.faults.begin(), setup_.faults.end(),
                      [since = now() - faulty_time](Time fault) { return fault >= since; }));
    const std::string count = std::to_string(recent);
    std::string line = "going on after a fault of reeved itself";
    if (recent > 1) line.append(", the last of ").append(count).append(" within a minute");
    log_.error(line);
    if (recent < most_faults) return;
    std::string by = "stopped after " + count;
    by += " faults of reeved within a minute";
    fault_status_ = status_after_faults;
    queue_.push(core::ShutdownAsked{std::move(by)});
}

}  // namespace reeve::shell
