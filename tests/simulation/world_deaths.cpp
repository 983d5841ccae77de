// The supervisor dies, at whatever instant, and a successor goes on from what was written down.
#include <algorithm>

#include "tests/simulation/world.h"

namespace reeve::simulation {

using namespace core;

namespace {

/// What a successor finds out by itself, as it is so; all else that was about to be told is lost.
bool is_lasting(const Event& event) {
    return std::holds_alternative<Exited>(event) || std::holds_alternative<TreeEmptied>(event) ||
           std::holds_alternative<ParentExited>(event) || std::holds_alternative<MainFound>(event);
}

/// How it tells that: an end may have been at any moment before.
Event found_later(Event event, bool unseen) {
    if (auto* exited = std::get_if<Exited>(&event)) exited->unseen = unseen;
    if (auto* exited = std::get_if<ParentExited>(&event)) exited->unseen = unseen;
    return event;
}

/// A request that somebody waits for is the only thing that a copy does not know of.
bool is_of_requests(const Action& action) {
    return std::holds_alternative<Reply>(action) || std::holds_alternative<Touches>(action);
}

}  // namespace

/// It dies before it hears of the event, or after it has decided and done some of that.
std::vector<std::string> World::handle_or_die(const Event& event) {
    const double p = calm_ ? 0.002 : 0.01;
    if (!dice_.chance(p)) return handle(event);
    ++tally_.deaths;
    std::vector<std::string> wrong;
    const bool deaf = dice_.chance(0.5);
    if (!deaf) {
        carried_out_ = dice_.below(4);
        wrong = handle(event);
    }
    if (over_ || !wrong.empty()) return wrong;
    wrong = succeed();
    if (deaf && wrong.empty() && is_lasting(event)) {
        return handle(found_later(event, dice_.chance(0.5)));
    }
    return wrong;
}

std::vector<std::string> World::succeed() {
    const Units& units = engine_->units();
    *engine_ = records_.successor();
    plan_ = units.plan_ptr();
    Resumed resumed;
    std::vector<Event> found;
    std::set<TaskId> tasks;
    units.for_each([&](const Unit& unit) {
        for (const TaskId task : tasks_of(unit.state())) tasks.insert(task);
        const auto* starting = std::get_if<Starting>(&unit.state());
        const auto process = processes_.find(run_of(unit.state()));
        if (process == processes_.end()) return;
        if (dice_.chance(0.05)) return;  // ended meanwhile, and nobody saw it
        resumed.runs.push_back(process->first);
        // What was not told before is told now.
        const int pid = static_cast<int>(process->first.value) + 1;
        if (starting != nullptr && starting->step == StartStep::Launch &&
            process->second.main_alive && !unit.pid) {
            found.push_back(Spawned{process->first, pid});
        }
    });
    const std::set<RunId> alive(resumed.runs.begin(), resumed.runs.end());
    std::set<RunId> gone;
    for (const auto& [run, process] : processes_) {
        if (!alive.contains(run)) gone.insert(run);
    }
    forget(gone);
    // Those that nobody knows of any more are ended with all they began.
    std::erase_if(commands_,
                  [&](TaskId task) { return !tasks.contains(task) || dice_.chance(0.3); });
    resumed.commands.assign(commands_.begin(), commands_.end());
    watch_->succeeded(resumed);
    std::vector<std::string> wrong = handle(resumed);
    for (const Event& event : found) {
        if (wrong.empty()) wrong = handle(event);
    }
    if (wrong.empty() && !engine_->snapshot().booted) wrong = handle(BootAsked{});
    return wrong;
}

/// Nothing more comes of these, though one of the same number may be spawned.
void World::forget(const std::set<RunId>& runs) {
    std::erase_if(processes_, [&](const auto& entry) { return runs.contains(entry.first); });
    const auto is_theirs = [&](const auto& happening) {
        if constexpr (requires { RunId(happening.run); }) return runs.contains(happening.run);
        return false;
    };
    std::priority_queue<Due> left;
    for (; !due_.empty(); due_.pop()) {
        const Happening& happening = due_.top().happening;
        const auto* event = std::get_if<Event>(&happening);
        const bool theirs =
            event != nullptr ? std::visit(is_theirs, *event) : std::visit(is_theirs, happening);
        if (!theirs) {
            left.push(due_.top());
        } else if (!std::holds_alternative<Speaks>(happening)) {
            --bustle_;
        }
    }
    due_ = std::move(left);
}

/// One that was rebuilt from what was written down does exactly what this one does.
std::vector<std::string> World::compare_with_copy(const Event& event) const {
    Engine copy = records_.successor();
    Engine original = *engine_;
    std::vector<Action> theirs = copy.handle(event, now_), ours = original.handle(event, now_);
    std::erase_if(theirs, is_of_requests);
    std::erase_if(ours, is_of_requests);
    std::vector<std::string> wrong;
    if (theirs.size() != ours.size()) wrong.emplace_back("a copy decides otherwise");
    for (std::size_t i = 0; wrong.empty() && i < ours.size(); ++i) {
        const std::string mine = text_of(ours[i]), other = text_of(theirs[i]);
        if (mine != other) wrong.push_back("a copy says: " + other + "; instead of: " + mine);
    }
    test::Records records = records_;
    records.take(original);
    if (!wrong.empty()) return wrong;
    for (const std::string& name : records.outdated(copy)) {
        wrong.push_back("a copy has it that " + name + " is otherwise");
    }
    if (copy.snapshot() != original.snapshot()) wrong.emplace_back("a copy is otherwise");
    return wrong;
}

}  // namespace reeve::simulation
