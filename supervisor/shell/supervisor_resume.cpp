// How a supervisor takes over from one that ended without a word.
#include <sys/random.h>
#include <sys/stat.h>

#include <map>
#include <set>

#include "supervisor/shell/clock.h"
#include "supervisor/shell/resumed.h"
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

/// "1 run", "2 runs"
std::string counted(std::size_t count, std::string_view what) {
    std::string text = std::to_string(count);
    text.append(" ").append(what);
    return count == 1 ? text : text.append("s");
}

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
    // An upgrade, or a fault after which this process was executed anew, takes no time to speak of.
    const bool after_a_gap = !setup_.handover && setup_.faults.empty();
    for (const state::Run& run : predecessor.runs) {
        const core::Unit* unit = std::as_const(engine_).units().by_run(run.id);
        // One that was let go.
        if (unit == nullptr) {
            recorder_.erase(run.id);
        } else if (runs_.resume(run, *unit, after_a_gap)) {
            resumed_->runs.push_back(run.id);
        }
    }
    for (const state::Command& command : predecessor.commands) {
        if (tasks_.resume(command)) resumed_->commands.push_back(command.id);
    }
    std::string line = "taking over from an earlier reeved that ended without a word: ";
    if (setup_.handover) line = "taking over from reeved " + setup_.handover->version + ": ";
    line.append(counted(resumed_->runs.size(), "run")).append(" of ");
    line.append(counted(predecessor.units.size(), "service"));
    const std::size_t commands = resumed_->commands.size();
    if (commands > 0) line.append(", ").append(counted(commands, "command"));
    log_.info(line);
}

/// The files say something else than they did to the predecessor, or in another order.
void Supervisor::take_changed_configuration() {
    const protocol::ConfigurationDiff diff = configuration_.compare({plan_, {}});
    if (!diff.services.empty() || !diff.supervisor.empty()) {
        const std::string summary = summary_of(diff);
        log_.info("the configuration has changed meanwhile: " + summary);
        control_.announce_configuration("applied: " + summary);
    }
    configuration_.take(plan_, {});
}

/// What services have written under a killed predecessor, and may go on writing, waits in their
/// pipes.
void Supervisor::adopt_logs(const state::Predecessor* predecessor) {
    std::map<std::string, config::Log> logs;
    std::map<std::string, state::Process> resumed;  // by their main processes
    if (predecessor != nullptr) {
        for (const state::Run& run : predecessor->runs) {
            logs[run.definition->name] = run.definition->policy.log;
            if (std::as_const(engine_).units().by_run(run.id) == nullptr) continue;
            resumed[run.definition->name] = run.tree ? run.tree->main : state::Process();
        }
    }
    for (const config::ServicePtr& service : plan_->services) {
        const config::Log& log = service->policy.log;
        if (log.kind == config::Log::Kind::Capture) logs[service->name] = log;
    }
    for (const auto& [name, log] : logs) {
        if (log.kind != config::Log::Kind::Capture) continue;
        const auto found = resumed.find(name);
        const state::Process writer = found == resumed.end() ? state::Process() : found->second;
        auto adopted = collector_.adopt(name, log, [&] { return held_pipes_of(writer); });
        if (!adopted) {
            log_.warning(adopted.error().text() + "; ignoring what was in there");
        } else if (*adopted && !resumed.contains(name)) {
            heirlooms_.insert(name);
        }
    }
}

/// Those that it writes to and the holder has, whose FIFOs somebody has deleted.
log::FdPair Supervisor::held_pipes_of(const state::Process& process) {
    log::FdPair pipes;
    if (process.pid == 0 || !find_process(process)) return pipes;
    const std::string folder = "/proc/" + std::to_string(process.pid) + "/fd/";
    for (const auto& [number, pipe] : {std::pair{"1", &pipes.out}, std::pair{"2", &pipes.err}}) {
        struct stat status {};
        if (::stat((folder + number).c_str(), &status) != 0 || !S_ISFIFO(status.st_mode)) continue;
        *pipe = holding_.take(Holding::Kind::LogPipe, status.st_ino);
    }
    return pipes;
}

/// One fault after the other would go on for ever.
void Supervisor::end_if_faulty() {
    if (setup_.faults.empty()) return;
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
