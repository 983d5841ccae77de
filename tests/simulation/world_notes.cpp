#include <string>

#include "base/overloaded.h"
#include "base/signal_name.h"
#include "tests/simulation/world.h"

/// What happened and what was to be done, as a hash and, when traced, as lines.
namespace reeve::simulation {

using namespace core;

std::string text_of(const Event& event) {
    const auto run = [](RunId id) { return " run " + std::to_string(id.value); };
    const auto task = [](TaskId id) { return " task " + std::to_string(id.value); };
    return std::visit(
        Overloaded{
            [](const BootAsked&) { return std::string("BootAsked"); },
            [](const Resumed& e) {
                std::string text = "Resumed, runs";
                for (const RunId id : e.runs) text += " " + std::to_string(id.value);
                text += ", commands";
                for (const TaskId id : e.commands) text += " " + std::to_string(id.value);
                return text;
            },
            [](const Requested& e) {
                static const char* const verbs[] = {"Start",       "Stop",       "Restart",
                                                    "Reload",      "AwaitReady", "AwaitStopped",
                                                    "AwaitFailed", "AwaitDone",  "Apply"};
                std::string text = std::string("Requested ") +
                                   verbs[static_cast<std::size_t>(e.verb)] + " #" +
                                   std::to_string(e.request.value);
                for (const ServiceId id : e.services) text += " " + std::to_string(id.value);
                return text;
            },
            [](const SignalAsked& e) {
                std::string text =
                    "SignalAsked " + signal_name(e.signal) + " #" + std::to_string(e.request.value);
                for (const ServiceId id : e.services) text += " " + std::to_string(id.value);
                return text;
            },
            [](const ResetAsked& e) {
                std::string text = "ResetAsked #" + std::to_string(e.request.value);
                for (const ServiceId id : e.services) text += " " + std::to_string(id.value);
                return text;
            },
            [](const Abandoned& e) { return "Abandoned #" + std::to_string(e.request.value); },
            [&](const Spawned& e) { return "Spawned" + run(e.run); },
            [&](const SpawnFailed& e) { return "SpawnFailed" + run(e.run); },
            [&](const Exited& e) {
                return "Exited" + run(e.run) + " " + e.status.text() +
                       (e.leftovers ? ", leftovers" : "") + (e.unseen ? ", unseen" : "");
            },
            [&](const TreeEmptied& e) { return "TreeEmptied" + run(e.run); },
            [&](const ReadyReported& e) { return "ReadyReported" + run(e.run); },
            [&](const Notified& e) { return "Notified" + run(e.run); },
            [&](const ParentExited& e) { return "ParentExited" + run(e.run); },
            [&](const MainFound& e) { return "MainFound" + run(e.run); },
            [&](const MainAwaited& e) { return "MainAwaited" + run(e.run); },
            [&](const ProbeAnswered& e) {
                static const char* const answers[] = {" yes", " no", " unasked"};
                return "ProbeAnswered" + task(e.task) + answers[static_cast<std::size_t>(e.answer)];
            },
            [&](const CommandEnded& e) {
                return "CommandEnded" + task(e.task) + (e.succeeded ? " well" : " badly");
            },
            [](const DeadlinePassed&) { return std::string("DeadlinePassed"); },
            [](const PlanReplaced& e) {
                std::string text = "PlanReplaced";
                for (const auto& service : e.plan->services) text += " " + service->name;
                return text;
            },
            [](const ShutdownAsked&) { return std::string("ShutdownAsked"); },
        },
        event);
}

std::string text_of(const Action& action) {
    const auto run = [](RunId id) { return " run " + std::to_string(id.value); };
    const auto task = [](TaskId id) { return " task " + std::to_string(id.value); };
    return std::visit(
        Overloaded{
            [&](const Spawn& a) { return "Spawn " + a.definition->name + run(a.run); },
            [&](const Signal& a) { return "Signal" + run(a.run) + " " + signal_name(a.signal); },
            [&](const KillTree& a) { return "KillTree" + run(a.run); },
            [&](const Reap& a) { return "Reap" + run(a.run); },
            [&](const StartProbe& a) { return "StartProbe" + task(a.task) + run(a.run); },
            [&](const EndTask& a) { return "EndTask" + task(a.task); },
            [&](const FindMain& a) { return "FindMain" + run(a.run); },
            [&](const RunCommand& a) {
                return "RunCommand " + a.command.front() + task(a.task) + run(a.run);
            },
            [&](const CancelTask& a) { return "CancelTask" + task(a.task); },
            [](const Touches& a) {
                std::string text = "Touches #" + std::to_string(a.request.value);
                for (const auto& s : a.services) text += " " + std::to_string(s.id.value);
                return text;
            },
            [](const Reply& a) {
                std::string text = "Reply #" + std::to_string(a.request.value);
                for (const Outcome& o : a.outcomes) {
                    text += " " + o.name + ":" + std::to_string(static_cast<int>(o.kind));
                }
                return text;
            },
            [](const Announce& a) {
                return "Announce " + a.name + " " + std::string(a.from) + " -> " +
                       std::string(a.to) + " (" + a.cause + ")";
            },
            [](const AnnounceShutdown& a) { return "AnnounceShutdown (" + a.cause + ")"; },
            [](const Forget& a) { return "Forget " + a.name; },
            [](const Finish& a) { return "Finish " + std::to_string(a.status); },
        },
        action);
}

void World::note(const Event& event) {
    mix(event.index());
    mix(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    if (traced_) lines_.push_back(in_words(now_.time_since_epoch()) + "  " + text_of(event));
}

void World::note(const Action& action) {
    mix(action.index());
    std::visit(Overloaded{
                   [&](const Spawn& a) { mix(a.run.value + a.service.value * 31); },
                   [&](const Signal& a) { mix(a.run.value * 64 + std::uint64_t(a.signal)); },
                   [&](const KillTree& a) { mix(a.run.value); },
                   [&](const Reap& a) { mix(a.run.value); },
                   [&](const StartProbe& a) { mix(a.task.value); },
                   [&](const EndTask& a) { mix(a.task.value); },
                   [&](const FindMain& a) { mix(a.run.value); },
                   [&](const RunCommand& a) { mix(a.task.value); },
                   [&](const CancelTask& a) { mix(a.task.value); },
                   [&](const Touches& a) { mix(a.services.size()); },
                   [&](const Reply& a) {
                       mix(a.request.value);
                       for (const Outcome& o : a.outcomes) mix(static_cast<std::uint64_t>(o.kind));
                   },
                   [&](const Announce& a) {
                       mix(a.service.value);
                       mix(a.to);
                       mix(a.cause);
                   },
                   [&](const AnnounceShutdown& a) { mix(a.cause); },
                   [&](const Forget& a) { mix(a.service.value); },
                   [&](const Finish& a) { mix(static_cast<std::uint64_t>(a.status)); },
               },
               action);
    if (traced_) lines_.push_back("        " + text_of(action));
}

void World::mix(std::uint64_t value) {
    tally_.hash = (tally_.hash ^ value) * 0x9fb21c651e98df25u;
    tally_.hash ^= tally_.hash >> 32;
}

void World::mix(std::string_view text) {
    for (const char c : text) mix(static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
}

}  // namespace reeve::simulation
