#include "supervisor/core/state.h"

#include "base/overloaded.h"

namespace reeve::core {

namespace {

void take_earlier(std::optional<Time>& earliest, std::optional<Time> other) {
    if (other && (!earliest || *other < *earliest)) earliest = other;
}

void take_earlier(std::optional<Time>& earliest, const Asking& asking) {
    take_earlier(earliest, asking.deadline);
    take_earlier(earliest, asking.due);
}

std::optional<Time> deadline_of(const Watch& watch) {
    std::optional<Time> earliest = watch.watchdog;
    take_earlier(earliest, watch.health);
    return earliest;
}

}  // namespace

std::string_view name_of(const State& state) {
    using std::string_view;
    return std::visit(Overloaded{
                          [](const Stopped&) -> string_view { return "stopped"; },
                          [](const Waiting&) -> string_view { return "waiting"; },
                          [](const Starting&) -> string_view { return "starting"; },
                          [](const Running&) -> string_view { return "running"; },
                          [](const Reloading&) -> string_view { return "reloading"; },
                          [](const Stopping&) -> string_view { return "stopping"; },
                          [](const Backoff&) -> string_view { return "backoff"; },
                          [](const Failed&) -> string_view { return "failed"; },
                          [](const Done&) -> string_view { return "done"; },
                      },
                      state);
}

RunId run_of(const State& state) {
    return std::visit(Overloaded{
                          [](const Stopped&) { return RunId{}; },
                          [](const Waiting&) { return RunId{}; },
                          [](const Starting& s) { return s.run; },
                          [](const Running& s) { return s.run; },
                          [](const Reloading& s) { return s.run; },
                          [](const Stopping& s) { return s.run; },
                          [](const Backoff&) { return RunId{}; },
                          [](const Failed&) { return RunId{}; },
                          [](const Done&) { return RunId{}; },
                      },
                      state);
}

std::optional<Time> deadline_of(const State& state) {
    using Deadline = std::optional<Time>;
    return std::visit(Overloaded{
                          [](const Stopped&) { return Deadline{}; },
                          [](const Waiting&) { return Deadline{}; },
                          [](const Starting& s) {
                              Deadline earliest = s.deadline;
                              take_earlier(earliest, s.readiness);
                              take_earlier(earliest, s.hook.deadline);
                              return earliest;
                          },
                          [](const Running& s) { return deadline_of(s.watch); },
                          [](const Reloading& s) {
                              Deadline earliest = s.deadline;
                              take_earlier(earliest, deadline_of(s.watch));
                              return earliest;
                          },
                          [](const Stopping& s) { return s.deadline; },
                          [](const Backoff& s) { return Deadline{s.until}; },
                          [](const Failed&) { return Deadline{}; },
                          [](const Done&) { return Deadline{}; },
                      },
                      state);
}

std::vector<TaskId> tasks_of(const State& state) {
    std::vector<TaskId> tasks;
    std::visit(Overloaded{
                   [](const auto&) {},
                   [&](const Starting& s) {
                       tasks = {s.readiness.task, s.hook.task};
                   },
                   [&](const Running& s) { tasks = {s.watch.health.task}; },
                   [&](const Reloading& s) {
                       tasks = {s.command, s.watch.health.task};
                   },
                   [&](const Stopping& s) { tasks = {s.command}; },
               },
               state);
    std::erase(tasks, TaskId{});
    return tasks;
}

Watch* watch_of(State& state) {
    if (auto* running = std::get_if<Running>(&state)) return &running->watch;
    if (auto* reloading = std::get_if<Reloading>(&state)) return &reloading->watch;
    return nullptr;
}

bool is_same_to_others(const State& a, const State& b) {
    if (a.index() != b.index()) return false;
    if (const auto* waiting = std::get_if<Waiting>(&a)) {
        return waiting->stuck == std::get<Waiting>(b).stuck;
    }
    if (const auto* stopping = std::get_if<Stopping>(&a)) {
        const auto& other = std::get<Stopping>(b);
        return stopping->reason == other.reason && stopping->main_gone == other.main_gone;
    }
    return true;
}

bool is_alive(const State& state) {
    return std::holds_alternative<Starting>(state) || std::holds_alternative<Running>(state) ||
           std::holds_alternative<Reloading>(state) || std::holds_alternative<Stopping>(state);
}

}  // namespace reeve::core
