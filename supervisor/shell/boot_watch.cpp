#include "supervisor/shell/boot_watch.h"

#include <algorithm>
#include <utility>

#include "supervisor/shell/status.h"

namespace reeve::shell {

namespace {

/// What did not come up is named one by one up to so many.
constexpr std::size_t most_named = 20;

bool is_up(const core::Unit& unit) {
    return std::holds_alternative<core::Running>(unit.state()) ||
           std::holds_alternative<core::Reloading>(unit.state()) ||
           std::holds_alternative<core::Done>(unit.state());
}

bool has_failed(const core::Unit& unit) {
    return std::holds_alternative<core::Failed>(unit.state());
}

bool has_settled(const core::Unit& unit, bool shutting_down) {
    const auto* waiting = std::get_if<core::Waiting>(&unit.state());
    return is_up(unit) || has_failed(unit) || std::holds_alternative<core::Backoff>(unit.state()) ||
           (waiting != nullptr && waiting->stuck) ||
           // Whom somebody has stopped since, the boot need not wait for.
           (unit.goal == core::Goal::Down && !shutting_down);
}

/// A cause may quote what a program printed, and goes to somebody's terminal.
std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return text;
}

}  // namespace

void BootWatch::look(const core::Engine& engine, const std::vector<core::Action>& actions,
                     Time now) {
    if (!told_) return;
    const core::Units& units = engine.units();
    if (!std::exchange(begun_, true)) begin(units);
    const core::Finish* finish = nullptr;
    for (const core::Action& action : actions) {
        if (const auto* change = std::get_if<core::Announce>(&action)) {
            const core::Unit* unit = units.find(change->service);
            if (unit == nullptr || has_settled(*unit, engine.shutting_down())) {
                pending_.erase(change->service);
            }
        } else if (const auto* forgotten = std::get_if<core::Forget>(&action)) {
            pending_.erase(forgotten->service);
        } else if (std::holds_alternative<core::Finish>(action)) {
            finish = &std::get<core::Finish>(action);
        }
    }
    if (finish == nullptr) {
        if (pending_.empty() && !engine.shutting_down())
            tell(BootOutcome{0, failures(units, now), false});
        return;
    }
    // Where nothing is left to be done, as with exit_when, the boot was good.
    const bool good = pending_.empty() && finish->status == 0;
    std::string text = failures(units, now);
    if (!good) {
        text += "reeved: ended with status " + std::to_string(finish->status) +
                " before the boot was over\n";
    }
    tell(BootOutcome{good ? 0 : 1, std::move(text), true});
}

std::optional<BootWatch::State> BootWatch::state() const {
    if (!told_ || !begun_) return std::nullopt;
    return State{started_, {pending_.begin(), pending_.end()}};
}

void BootWatch::go_on(const State& state) {
    begun_ = true;
    started_ = state.started;
    pending_ = {state.pending.begin(), state.pending.end()};
}

void BootWatch::begin(const core::Units& units) {
    units.for_each([&](const core::Unit& unit) {
        if (unit.goal == core::Goal::Down) return;
        started_.push_back(unit.id());
        if (!has_settled(unit, false)) pending_.insert(unit.id());
    });
}

void BootWatch::tell(BootOutcome outcome) { std::exchange(told_, nullptr)(outcome); }

std::string BootWatch::failures(const core::Units& units, Time now) const {
    std::vector<const core::Unit*> failed;
    for (const core::ServiceId id : started_) {
        const core::Unit* unit = units.find(id);
        if (unit == nullptr || is_up(*unit)) continue;
        if (unit->goal == core::Goal::Up || has_failed(*unit)) failed.push_back(unit);
    }
    std::sort(failed.begin(), failed.end(),
              [](const core::Unit* a, const core::Unit* b) { return a->name() < b->name(); });
    std::string text;
    for (std::size_t i = 0; i < std::min(failed.size(), most_named); ++i) {
        const core::Unit& unit = *failed[i];
        text += "reeved: " + unit.name() +
                (has_failed(unit) ? " has failed: " : " has not come up: ") +
                printable(cause_of(unit, now)) + "\n";
    }
    if (failed.size() > most_named) {
        text += "reeved: nor have " + std::to_string(failed.size() - most_named) +
                " others; reevectl status shows them\n";
    }
    return text;
}

}  // namespace reeve::shell
