#include "supervisor/core/engine.h"

#include <utility>

#include "base/overloaded.h"

namespace reeve::core {

namespace {

/// After even SIGKILL has not ended everything, a shutdown gives up.
constexpr Duration kill_patience = 5s;

constexpr const char* not_configured = "no longer configured";

Outcome outcome_of_unknown(ServiceId id) {
    return {id, {}, Outcome::Kind::Failed, {}, not_configured};
}

}  // namespace

Engine::Engine(config::PlanPtr plan, std::uint64_t seed) : random_(seed) {
    units_.adopt(std::move(plan));
}

Engine::Engine(config::PlanPtr plan, const Snapshot& snapshot,
               const std::vector<UnitSnapshot>& units)
    : random_(snapshot.random), shutdown_(snapshot.shutdown), booted_(snapshot.booted) {
    units_.restore(std::move(plan), units, snapshot.numbers);
}

Engine::Snapshot Engine::snapshot() const {
    return {units_.numbers(), random_.state(), booted_, shutdown_};
}

std::vector<Action> Engine::handle(const Event& event, Time now) {
    now_ = now;
    out_.clear();
    std::visit([this](const auto& e) { on(e); }, event);
    settle();
    for (const ServiceId id : std::exchange(moved_, {})) {
        if (const Unit* unit = units_.find(id)) requests_.look_at(*unit);
    }
    requests_.answer(units_, now_, out_);
    finish_if_over();
    return std::exchange(out_, {});
}

std::optional<Time> Engine::next_deadline() const {
    std::optional<Time> earliest = units_.next_deadline();
    const auto consider = [&](std::optional<Time> time) {
        if (time && (!earliest || *time < *earliest)) earliest = time;
    };
    consider(requests_.next_deadline());
    if (shutdown_) consider(shutdown_->deadline);
    return earliest;
}

std::optional<Time> Engine::shutdown_deadline() const {
    if (!shutdown_ || shutdown_->forced) return std::nullopt;
    return shutdown_->deadline;
}

void Engine::on(const BootAsked& event) {
    booted_ = true;
    if (shutdown_) return;
    std::vector<ServiceId> enabled;
    const auto consider = [&](const Unit& unit) {
        if (unit.policy().enabled) enabled.push_back(unit.id());
    };
    for (const ServiceId id : event.unknown.value_or(std::vector<ServiceId>())) {
        if (const Unit* unit = units_.find(id)) consider(*unit);
    }
    const std::size_t services = event.unknown ? 0 : units_.plan().services.size();
    for (std::uint32_t place = 0; place < services; ++place) consider(units_.at_place(place));
    announce_raised({}, raise(enabled, "started at boot", false));
}

void Engine::on(const Requested& event) {
    requests_.open(event);
    Requested asked = event;
    std::erase_if(asked.services, [&](ServiceId id) { return refuse(event, id); });
    for (const ServiceId id : asked.services) moved_.push_back(id);
    switch (asked.verb) {
        case Verb::Start:
            return start_services(asked);
        case Verb::Stop:
            return stop_services(asked);
        case Verb::Restart:
            return restart_services(asked);
        case Verb::Reload:
            for (const ServiceId id : asked.services) begin_reload(units_.at(id));
            return;
        case Verb::AwaitReady:
        case Verb::AwaitStopped:
        case Verb::AwaitFailed:
        case Verb::AwaitDone:
        case Verb::Apply:
            return;
    }
}

void Engine::on(const SignalAsked& event) {
    std::vector<Outcome> outcomes;
    for (const ServiceId id : event.services) {
        const Unit* unit = units_.find(id);
        if (unit == nullptr) {
            outcomes.push_back(outcome_of_unknown(id));
            continue;
        }
        const RunId run = run_of(unit->state());
        const bool whole_tree = event.scope == config::StopScope::Tree;
        const auto* stopping = std::get_if<Stopping>(&unit->state());
        const bool empty = stopping != nullptr && stopping->tree_gone;
        const bool there = run && (unit->pid || (whole_tree && unit->alive() && !empty));
        if (there) out_.push_back(Signal{run, event.signal, event.scope});
        outcomes.push_back(
            outcome_of(*unit, there ? Outcome::Kind::Done : Outcome::Kind::NotRunning));
        if (there) continue;
        outcomes.back().cause =
            unit->alive() ? "it has no main process"
                          : "it has no process, as it is " + std::string(name_of(unit->state()));
    }
    reply(event.request, std::move(outcomes));
}

void Engine::on(const ResetAsked& event) {
    std::vector<Outcome> outcomes;
    for (const ServiceId id : event.services) {
        Unit* unit = units_.find(id);
        if (unit == nullptr) {
            outcomes.push_back(outcome_of_unknown(id));
            continue;
        }
        unit->history = {};
        units_.note(*unit);
        if (std::holds_alternative<Failed>(unit->state())) {
            unit->origin = "its failure was reset by request";
            change(*unit, Stopped{}, unit->origin);
        }
        outcomes.push_back(outcome_of(*unit, Outcome::Kind::Done));
    }
    reply(event.request, std::move(outcomes));
}

void Engine::reply(RequestId request, std::vector<Outcome> outcomes) {
    if (request) out_.push_back(Reply{request, std::move(outcomes)});
}

bool Engine::refuse(const Requested& event, ServiceId id) {
    const Unit* unit = units_.find(id);
    // What only ends or awaits something may go on to the end.
    const bool harmless = event.verb == Verb::Stop || event.verb == Verb::AwaitStopped ||
                          event.verb == Verb::AwaitDone || event.verb == Verb::AwaitFailed;
    const bool unknown = unit == nullptr || (unit->removed && !harmless);
    if (!unknown && (!shutdown_ || harmless)) return false;
    Outcome outcome =
        unit != nullptr ? outcome_of(*unit, Outcome::Kind::Failed) : outcome_of_unknown(id);
    if (unit != nullptr) {
        outcome.cause = unknown ? not_configured : "the supervisor is shutting down";
    }
    requests_.settle(event.request, std::move(outcome));
    return true;
}

void Engine::start_services(const Requested& event) {
    announce_raised(event.request, raise(event.services, "started by request", true));
}

void Engine::stop_services(const Requested& event) {
    const std::vector<Touches::Service> dependents = dependents_of(event.services);
    announce_touched(event.request, Verb::Stop, dependents);
    for (const ServiceId id : event.services) lower(units_.at(id), "stopped by request");
    for (const Touches::Service& dependent : dependents) {
        lower(units_.at(dependent.id),
              "stopped because " + units_.at(dependent.reason).name() + " was stopped by request");
    }
}

void Engine::restart_services(const Requested& event) {
    std::vector<ServiceId> alive = event.services;
    std::erase_if(alive, [&](ServiceId id) { return !units_.at(id).alive(); });
    const std::vector<Touches::Service> dependents = dependents_of(alive);
    for (const Touches::Service& dependent : dependents) restarts_along(dependent);
    announce_touched(event.request, Verb::Restart, dependents);
    for (const ServiceId id : alive) {
        Unit& unit = units_.at(id);
        unit.cycle = true;
        unit.history = {};
        touch(unit);
    }
    const Raised raised = raise(event.services, "restarted by request", true);
    announce_raised(event.request, raised);
    for (const ServiceId id : event.services) {
        Unit& unit = units_.at(id);
        units_.note(unit);
        if (unit.goal == Goal::Up) unit.origin = "restarted by request";
    }
}

void Engine::announce_raised(RequestId request, const Raised& raised) {
    for (const Touches::Service& refused : raised.refused) {
        Unit& unit = units_.at(refused.id);
        std::string why = "it conflicts with " + units_.at(refused.reason).name();
        why += ", which is started as well";
        if (!unit.alive()) change(unit, State(unit.state()), "not started: " + why);
        Outcome outcome = outcome_of(unit, Outcome::Kind::Failed);
        outcome.cause = std::move(why);
        requests_.settle(request, std::move(outcome));
    }
    if (!request) return;
    announce_touched(request, Verb::Stop, raised.stopped);
    announce_touched(request, Verb::Start, raised.started);
}

void Engine::announce_touched(RequestId request, Verb verb,
                              std::vector<Touches::Service> services) {
    if (verb != Verb::Start) {
        std::erase_if(services, [&](const Touches::Service& touched) {
            return !units_.at(touched.id).alive();
        });
    }
    if (!services.empty()) out_.push_back(Touches{request, verb, std::move(services)});
}

void Engine::on(const ProbeAnswered& event) {
    Unit* unit = units_.by_task(event.task);
    units_.end_task(event.task);
    if (unit == nullptr) return;
    using Answer = ProbeAnswered::Answer;
    const std::optional<std::string> why =
        event.answer == Answer::Yes ? std::nullopt : std::optional<std::string>(event.what);
    const bool unasked = event.answer == Answer::Unasked;
    State state = unit->state();
    if (const auto* starting = std::get_if<Starting>(&state)) {
        if (starting->readiness.task != event.task) return;
        Starting answered = *starting;
        answered.readiness = {};
        change(*unit, answered);
        return unasked ? readiness_unasked(*unit, *why) : readiness_answered(*unit, why);
    }
    const Watch* watch = watch_of(state);
    if (watch == nullptr || watch->health.task != event.task) return;
    unasked ? health_unasked(*unit, *why) : health_answered(*unit, why);
}

void Engine::on(const CommandEnded& event) {
    Unit* unit = units_.by_task(event.task);
    units_.end_task(event.task);
    if (unit == nullptr) return;
    if (const auto* starting = std::get_if<Starting>(&unit->state())) {
        if (starting->hook.task == event.task) start_hook_ended(*unit, event);
        return;
    }
    if (const auto* reloading = std::get_if<Reloading>(&unit->state())) {
        if (reloading->command == event.task) reload_command_ended(*unit, event);
        return;
    }
    const auto* state = std::get_if<Stopping>(&unit->state());
    if (state == nullptr || state->command != event.task) return;
    if (state->step != StopStep::Ending) return stop_hook_ended(*unit, event);
    Stopping stopping = *state;
    stopping.command = {};
    if (!event.succeeded && unit->trouble.empty()) {
        unit->trouble = "stop command failed: " + event.what;
    }
    change(*unit, stopping);
    // Whatever the command did or did not do, the process has until the deadline to end.
    if (!stopping.main_gone) send_stop_signal(*unit);
}

void Engine::on(const DeadlinePassed&) {
    for (const ServiceId id : units_.due(now_)) deadline_passed(units_.at(id));
    if (!shutdown_ || !shutdown_->deadline || *shutdown_->deadline > now_) return;
    if (!shutdown_->forced) return force_shutdown();
    shutdown_->deadline.reset();
    shutdown_->given_up = true;
    requests_.end_open(units_, Outcome::Kind::TimedOut);
}

void Engine::deadline_passed(Unit& unit) {
    std::visit(Overloaded{
                   [](const auto&) {},
                   [&](const Starting& s) { start_deadline_passed(unit, s); },
                   [&](const Running& s) { watch_deadline_passed(unit, s.watch); },
                   [&](const Reloading& s) {
                       if (s.deadline <= now_) return reload_deadline_passed(unit);
                       watch_deadline_passed(unit, s.watch);
                   },
                   [&](const Stopping&) { stop_deadline_passed(unit); },
                   [&](const Backoff&) { try_start(unit); },
               },
               State(unit.state()));
}

void Engine::start_deadline_passed(Unit& unit, const Starting& starting) {
    if (starting.deadline && *starting.deadline <= now_) return start_timed_out(unit);
    if (starting.hook.deadline && *starting.hook.deadline <= now_) {
        return start_hook_timed_out(unit);
    }
    const auto& ready = unit.policy().ready;
    if (starting.readiness.due) return ready ? ask_readiness(unit) : become_ready(unit);
    cancel_task(starting.readiness.task);
    readiness_answered(unit,
                       "no answer within " + in_words(ready ? ready->timeout : Duration::zero()));
}

void Engine::on(const ShutdownAsked& event) {
    begin_shutdown(0, "stopped with the supervisor", event.by);
    // One that a service or a client brought about goes on in order when it is asked for as well.
    if (event.insistent && std::exchange(shutdown_->asked, true)) force_shutdown();
}

void Engine::begin_shutdown(int status, const std::string& origin, std::string cause) {
    if (shutdown_) return;
    out_.push_back(AnnounceShutdown{std::move(cause)});
    shutdown_ =
        Shutdown{.status = status, .deadline = now_ + units_.plan().supervisor.shutdown_timeout};
    units_.for_each([&](Unit& unit) { lower(unit, origin); });
}

void Engine::force_shutdown() {
    if (shutdown_->forced || shutdown_->finished) return;
    shutdown_->forced = true;
    shutdown_->deadline = now_ + kill_patience;
    units_.for_each([&](Unit& unit) {
        if (unit.alive()) kill_now(unit);
    });
}

void Engine::finish_if_over() {
    if (!shutdown_ && booted_ && units_.busy() == 0 &&
        units_.plan().supervisor.exit_when == config::ExitWhen::Idle) {
        begin_shutdown(0, "stopped because nothing is left to supervise",
                       "nothing is left to supervise");
        settle();
    }
    if (!shutdown_ || shutdown_->finished) return;
    if (units_.alive() > 0 && !shutdown_->given_up) return;
    shutdown_->finished = true;
    shutdown_->deadline.reset();
    requests_.end_open(units_, Outcome::Kind::Failed);
    requests_.answer(units_, now_, out_);
    Finish finish{shutdown_->status, {}};
    units_.for_each([&](const Unit& unit) {
        if (unit.alive()) finish.survivors.push_back(unit.name());
    });
    out_.push_back(std::move(finish));
}

}  // namespace reeve::core
