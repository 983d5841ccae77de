#include "tests/simulation/world.h"

#include <algorithm>

#include "base/overloaded.h"
#include "tests/simulation/random_plan.h"

namespace reeve::simulation {

using namespace core;

World::World(std::uint64_t seed, bool checked) : dice_(seed), checked_(checked) { begin_life(); }

void World::begin_life() {
    calm_ = finished_ = over_ = false;
    processes_.clear();
    is_probe_.clear();
    last_run_ = 0;
    due_ = {};
    bustle_ = 0;
    plan_ = random_plan(dice_);
    services_ = plan_->services.size();
    engine_ = std::make_unique<Engine>(plan_, dice_.seed());
    watch_ = std::make_unique<test::EngineWatch>(*engine_);
    records_ = {};
    records_.take(*engine_);
    commands_.clear();
    ++tally_.lives;
    after(0s, Event(BootAsked{}));
    after(dice_.between(0s, 2s), UserActs{});
    after(dice_.between(10s, 300s), CalmBegins{});
}

void World::after(Duration wait, Happening happening) {
    if (!std::holds_alternative<Speaks>(happening)) ++bustle_;
    due_.push(Due{now_ + wait, ++numbered_, std::move(happening)});
}

std::vector<std::string> World::step() {
    std::vector<std::string> violations;
    if (over_) begin_life();
    if (const std::optional<Event> event = next_event()) return handle_or_die(*event);
    // Nothing will happen any more: then all that can be done has been done.
    if (checked_) violations = check_calm();
    over_ = true;
    return violations;
}

std::vector<std::string> World::handle(const Event& event) {
    ++tally_.events;
    note(event);
    std::vector<std::string> wrong;
    if (checked_ && dice_.chance(0.05)) wrong = compare_with_copy(event);
    const std::vector<Action> actions = engine_->handle(event, now_);
    std::size_t most = std::exchange(carried_out_, no_limit);
    for (const Action& action : actions) {
        note(action);
        if (most > 0) carry_out(action);
        if (most > 0) --most;
    }
    records_.take(*engine_);
    if (!checked_) return wrong;
    for (const std::string& name : records_.outdated(*engine_)) {
        wrong.push_back(name + " changed, which was not told");
    }
    for (std::string& sentence : watch_->after(event, actions, now_)) {
        wrong.push_back(std::move(sentence));
    }
    return wrong;
}

std::optional<Event> World::next_event() {
    for (;;) {
        const std::optional<Time> deadline = engine_->next_deadline();
        if ((due_.empty() && !deadline) || is_quiet()) return std::nullopt;
        // Of what is due at the same time, chance says which comes first.
        const bool timer = deadline && (due_.empty() || *deadline < due_.top().at ||
                                        (*deadline == due_.top().at && dice_.chance(0.5)));
        if (timer) {
            now_ = std::max(now_, *deadline);
            return DeadlinePassed{};
        }
        const Due due = due_.top();
        due_.pop();
        if (!std::holds_alternative<Speaks>(due.happening)) --bustle_;
        now_ = std::max(now_, due.at);
        if (auto event = happens(due.happening)) return event;
        if (finished_ && due_.empty()) return std::nullopt;
    }
}

/// Whether all that goes on is that those who are up are looked after.
bool World::is_quiet() const {
    if (!calm_ || bustle_ > 0 || !watch_->open_requests().empty()) return false;
    if (engine_->shutting_down()) return false;
    bool quiet = true;
    engine_->units().for_each([&](const Unit& unit) {
        quiet =
            quiet && (std::holds_alternative<Running>(unit.state()) || !deadline_of(unit.state()));
    });
    return quiet;
}

std::optional<Event> World::happens(const Happening& happening) {
    return std::visit(Overloaded{
                          [](const Event& event) -> std::optional<Event> { return event; },
                          [&](const MainEnds& end) { return happens_inside(end); },
                          [&](const LeftoversEnd& end) { return happens_inside(end); },
                          [&](const MainIsFound& found) { return happens_inside(found); },
                          [&](const Speaks& speaks) { return happens_inside(speaks); },
                          [&](const UserActs&) { return user_acts(); },
                          [&](const CalmBegins&) -> std::optional<Event> {
                              calm_ = true;
                              ++tally_.calms;
                              return std::nullopt;
                          },
                      },
                      happening);
}

std::optional<Event> World::happens_inside(const MainEnds& end) {
    const auto found = processes_.find(end.run);
    if (found == processes_.end() || !found->second.main_alive) return std::nullopt;
    Process& process = found->second;
    process.main_alive = false;
    process.exit_told = true;
    if (std::exchange(process.parent, false)) {
        if (end.status == ExitStatus::exited(0) && (calm_ || dice_.chance(0.9))) {
            ++process.leftovers;
        }
        return ParentExited{end.run, end.status, process.leftovers > 0};
    }
    // Leftovers that are about to go of themselves may be gone just now.
    return Exited{end.run, end.status, process.leftovers > 0};
}

std::optional<Event> World::happens_inside(const LeftoversEnd& end) {
    const auto found = processes_.find(end.run);
    if (found == processes_.end() || found->second.leftovers == 0) return std::nullopt;
    found->second.leftovers = 0;
    if (!found->second.exit_told) return std::nullopt;
    return TreeEmptied{end.run};
}

std::optional<Event> World::happens_inside(const MainIsFound& found) {
    const auto process = processes_.find(found.run);
    if (process == processes_.end() || process->second.leftovers == 0) return std::nullopt;
    if (process->second.main_alive) return std::nullopt;
    if (process->second.killed) return std::nullopt;
    --process->second.leftovers;
    process->second.main_alive = true;
    live_on(found.run, process->second);
    return MainFound{found.run, static_cast<int>(found.run.value) + 2};
}

std::optional<Event> World::happens_inside(const Speaks& speaks) {
    const auto found = processes_.find(speaks.run);
    if (found == processes_.end() || !found->second.main_alive) return std::nullopt;
    const auto& watchdog = found->second.definition->policy.watchdog;
    const Duration interval = watchdog ? *watchdog / 2 : 1s;
    Notified message{.run = speaks.run, .watchdog = Notified::Watchdog::Alive};
    if (calm_) {
        if (watchdog) after(dice_.between(interval / 2, interval), speaks);
        message.ready = true;
        return message;
    }
    after(dice_.between(interval / 2, dice_.chance(0.9) ? interval : 5s), speaks);
    const double p = static_cast<double>(dice_.below(1000)) / 1000;
    message.ready = dice_.chance(0.3);
    message.reloading = p < 0.05;
    message.stopping = p > 0.99;
    if (p > 0.1 && p < 0.12) message.watchdog = Notified::Watchdog::Trigger;
    if (p > 0.12 && p < 0.15) message.extend_timeout = dice_.between(0s, 5s);
    if (p > 0.15 && p < 0.17) message.restart_reset = true;
    return message;
}

std::optional<Event> World::user_acts() {
    if (calm_ || finished_) return std::nullopt;
    after(dice_.chance(0.3) ? dice_.between(0s, 20ms) : dice_.between(0s, 5s), UserActs{});
    const double p = static_cast<double>(dice_.below(1000)) / 1000;
    if (p < 0.015) return ShutdownAsked{"a user"};
    if (p < 0.08) {
        plan_ = edited(*plan_, dice_);
        ++tally_.plans;
        PlanReplaced replaced{plan_, dice_.chance(0.5), {}, dice_.chance(0.8), {}};
        if (dice_.chance(0.5)) replaced.request = RequestId{++last_request_};
        if (dice_.chance(0.3)) replaced.deadline = now_ + dice_.between(0s, 3s);
        return replaced;
    }
    if (p < 0.2) return stale_event();
    if (p < 0.23 && !watch_->open_requests().empty()) {
        return Abandoned{watch_->open_requests().begin()->first};
    }
    if (p < 0.25) return ResetAsked{{++last_request_}, some_services()};
    if (p < 0.3) {
        const int signal = dice_.one_of<int>({SIGTERM, SIGKILL, SIGHUP, SIGCONT});
        const auto scope = dice_.chance(0.5) ? config::StopScope::Main : config::StopScope::Tree;
        return SignalAsked{{++last_request_}, some_services(), signal, scope};
    }
    return random_request();
}

std::vector<ServiceId> World::some_services() {
    std::vector<ServiceId> known, some;
    engine_->units().for_each([&](const Unit& unit) { known.push_back(unit.id()); });
    // One that is forgotten, or never was.
    if (dice_.chance(0.03)) known.push_back(ServiceId{1 + dice_.below(known.size() + 3)});
    if (known.empty()) return some;
    const std::size_t count = dice_.chance(0.7) ? 1 : dice_.below(known.size() + 1);
    for (std::size_t i = 0; i < count; ++i) some.push_back(dice_.one_of(known));
    return some;
}

Event World::random_request() {
    Requested asked;
    if (!dice_.chance(0.05)) asked.request = RequestId{++last_request_};
    asked.verb =
        dice_.one_of<Verb>({Verb::Start, Verb::Stop, Verb::Restart, Verb::Reload, Verb::AwaitReady,
                            Verb::AwaitStopped, Verb::AwaitFailed, Verb::AwaitDone});
    // What is awaited may never come; in the end nothing may be left undone.
    if (asked.verb >= Verb::AwaitReady) asked.deadline = now_ + dice_.between(0s, 30s);
    asked.services = some_services();
    asked.wait = dice_.chance(0.8);
    if (dice_.chance(0.3)) asked.deadline = now_ + dice_.between(0s, 3s);
    return asked;
}

std::optional<Event> World::stale_event() {
    // Words that come late, of runs and tasks that may be over or never were.
    const RunId run{1 + dice_.below(last_run_ + 1)};
    const TaskId task{1 + dice_.below(is_probe_.size() + 1)};
    const bool probe = task.value <= is_probe_.size() && is_probe_[task.value - 1];
    const bool over = !processes_.contains(run);
    switch (dice_.below(6)) {
        case 0:
            return ReadyReported{run};
        case 1:
            return Notified{.run = run, .status = "status"};
        case 2:
            if (probe) return ProbeAnswered{task, random_answer(0.5), "late"};
            return CommandEnded{task, dice_.chance(0.5), "late"};
        case 3:
            return over ? std::optional<Event>(Exited{run, ExitStatus::exited(0), false})
                        : std::nullopt;
        case 4:
            return over ? std::optional<Event>(TreeEmptied{run}) : std::nullopt;
        default:
            return DeadlinePassed{};
    }
}

std::vector<std::string> World::check_calm() const {
    std::vector<std::string> wrong;
    if (!watch_->open_requests().empty())
        wrong.emplace_back("all is quiet, a request is not answered");
    if (!is_quiet() && watch_->open_tasks() > 0)
        wrong.emplace_back("all is quiet, a task is under way");
    if (finished_) return wrong;
    if (engine_->shutting_down()) wrong.emplace_back("all is quiet, a shutdown has not finished");
    engine_->units().for_each([&](const Unit& unit) {
        const State& state = unit.state();
        const auto* waiting = std::get_if<Waiting>(&state);
        const bool at_rest =
            std::holds_alternative<Stopped>(state) || std::holds_alternative<Failed>(state) ||
            std::holds_alternative<Done>(state) || std::holds_alternative<Running>(state) ||
            (waiting != nullptr && waiting->stuck);
        if (!at_rest || unit.halting) {
            wrong.push_back("all is quiet, yet " + unit.name() + " is " +
                            std::string(name_of(state)) + ": " + unit.cause());
        }
    });
    return wrong;
}

}  // namespace reeve::simulation
