#include "supervisor/core/state.h"

#include "base/overloaded.h"

namespace reeve::core {

namespace {

void take_earlier(std::optional<Time>& earliest, std::optional<Time> other) {
    if (other && (!earliest || *other < *earliest)) earliest = other;
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
                              take_earlier(earliest, s.probe_deadline);
                              take_earlier(earliest, s.probe_due);
                              return earliest;
                          },
                          [](const Running&) { return Deadline{}; },
                          [](const Reloading& s) { return Deadline{s.deadline}; },
                          [](const Stopping& s) { return s.deadline; },
                          [](const Backoff& s) { return Deadline{s.until}; },
                          [](const Failed&) { return Deadline{}; },
                          [](const Done&) { return Deadline{}; },
                      },
                      state);
}

bool is_same_to_others(const State& a, const State& b) {
    if (a.index() != b.index()) return false;
    if (const auto* waiting = std::get_if<Waiting>(&a)) {
        return waiting->stuck == std::get<Waiting>(b).stuck;
    }
    if (const auto* stopping = std::get_if<Stopping>(&a)) {
        return stopping->reason == std::get<Stopping>(b).reason;
    }
    return true;
}

bool is_alive(const State& state) {
    return std::holds_alternative<Starting>(state) || std::holds_alternative<Running>(state) ||
           std::holds_alternative<Reloading>(state) || std::holds_alternative<Stopping>(state);
}

}  // namespace reeve::core
