#include "ctl/difference.h"

#include <algorithm>

#include "config/literal_yaml.h"
#include "ctl/sheet.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

using protocol::CommandResult;
using protocol::ConfigurationDiff;
using protocol::DefinitionChange;
using protocol::KeyChange;
using protocol::State;
using protocol::Step;
using Effect = DefinitionChange::Effect;

bool has_step(const ConfigurationDiff& diff, const std::string& service, Step::Kind kind) {
    return std::any_of(diff.steps.begin(), diff.steps.end(), [&](const Step& step) {
        return step.service == service && step.kind == kind;
    });
}

std::string keys_of(const std::vector<KeyChange>& changes) {
    std::string text;
    for (const KeyChange& change : changes) {
        text += (text.empty() ? "" : ", ") + harmless(change.key);
    }
    return text;
}

/// A line that tells of one service: "+ web  added and started".
std::string marked(Effect effect, const std::string& name, const std::string& text,
                   const Look& look) {
    const bool added = effect == Effect::Added;
    const bool removed = effect == Effect::Removed;
    const Colour colour = added ? Colour::Green : removed ? Colour::Red : Colour::Yellow;
    std::string head = (added ? "+ " : removed ? "- " : "~ ") + harmless(name);
    if (look.width != 0) head = clipped(head, look.width, look.unicode);
    return hanging(painted(head, colour, look) + "  ", 4, text, look);
}

/// The keys with the old and the new value of each, below a line that names the service.
std::string values(const std::vector<KeyChange>& changes, const Look& look) {
    const auto value = [](const config::Literal& literal) {
        return literal.is_null() ? "(not set)" : harmless(config::to_yaml_line(literal));
    };
    std::string out;
    for (const KeyChange& change : changes) {
        out += hanging("    ", 4, harmless(change.key), look);
        out += hanging(painted("      - ", Colour::Red, look), 8, value(change.from), look,
                       Colour::Red);
        out += hanging(painted("      + ", Colour::Green, look), 8, value(change.to), look,
                       Colour::Green);
    }
    return out;
}

std::string what_would_happen(const ConfigurationDiff& diff, const DefinitionChange& change) {
    const bool stops = has_step(diff, change.service, Step::Kind::Stop);
    const bool starts = has_step(diff, change.service, Step::Kind::Start);
    switch (change.effect) {
        case Effect::Live:
            return "live: " + keys_of(change.keys);
        case Effect::Restart:
            return (stops || starts ? "restart: " : "from its next start: ") + keys_of(change.keys);
        case Effect::Added:
            return starts ? "added and started" : "added, not started";
        case Effect::Removed:
            return stops ? "stopped and removed" : "removed";
    }
    return {};
}

bool is_live(const ConfigurationDiff& diff, const std::string& key) {
    return std::find(diff.not_live.begin(), diff.not_live.end(), key) == diff.not_live.end();
}

/// The supervisor's settings that change at once, or those that do not.
std::vector<KeyChange> settings(const ConfigurationDiff& diff, bool live) {
    std::vector<KeyChange> found;
    for (const KeyChange& change : diff.supervisor) {
        if (is_live(diff, change.key) == live) found.push_back(change);
    }
    return found;
}

std::string difference_of_supervisor(const ConfigurationDiff& diff, const Look& look) {
    std::string out;
    for (const bool live : {true, false}) {
        const auto changes = settings(diff, live);
        if (changes.empty()) continue;
        const std::string when = live ? "live: " : "from the next start of reeved: ";
        out += marked(Effect::Live, "supervisor", when + keys_of(changes), look);
        out += values(changes, look);
    }
    return out;
}

bool nothing_in(const ConfigurationDiff& diff) {
    return diff.services.empty() && diff.supervisor.empty();
}

const CommandResult* result_of(const protocol::Outcome& outcome, const std::string& service) {
    const auto found =
        std::find_if(outcome.results.begin(), outcome.results.end(),
                     [&](const CommandResult& result) { return result.service == service; });
    return found != outcome.results.end() ? &*found : nullptr;
}

/// " (pid 12)"
std::string pid_of(const CommandResult& result) {
    return result.pid ? " (pid " + std::to_string(*result.pid) + ")" : "";
}

bool is_up(const CommandResult& result) {
    return result.state == State::Running || result.state == State::Done;
}

/// What has become of it: "restarted (pid 12)"; "is starting" where nobody waited for the rest.
std::string what_happened(Effect effect, const CommandResult& result) {
    const bool stopped = result.state == State::Stopped;
    switch (effect) {
        case Effect::Live:
            return "changed live";
        case Effect::Restart:
            if (is_up(result) && result.changed) return "restarted" + pid_of(result);
            return stopped || !result.changed ? "changed from its next start"
                                              : predicate(result.state);
        case Effect::Added:
            if (is_up(result)) return "added and started" + pid_of(result);
            return stopped ? "added, not started" : "added, " + predicate(result.state);
        case Effect::Removed:
            return result.state == State::Stopping ? predicate(result.state) : "removed";
    }
    return {};
}

}  // namespace

std::string render_problems(const ConfigurationDiff& diff) {
    std::string out;
    for (const config::Problem& problem : diff.problems) out += config::to_line(problem) + "\n";
    return out;
}

std::string render_difference(const ConfigurationDiff& diff, const Look& look) {
    if (nothing_in(diff)) return "no changes\n";
    std::string out;
    for (const DefinitionChange& change : diff.services) {
        out += marked(change.effect, change.service, what_would_happen(diff, change), look);
        out += values(change.keys, look);
    }
    out += difference_of_supervisor(diff, look);
    return out + "\n" + render_steps(diff.steps, look);
}

std::string render_applied(const protocol::Applied& applied, const Look& look) {
    const ConfigurationDiff& diff = applied.diff;
    if (nothing_in(diff)) return "no changes\n";
    std::string out;
    for (const DefinitionChange& change : diff.services) {
        const CommandResult* result = result_of(applied.outcome, change.service);
        if (result != nullptr && result->failure) continue;
        std::string what = result != nullptr ? what_happened(change.effect, *result)
                                             : std::string(to_string(change.effect));
        if (!change.keys.empty()) what += ": " + keys_of(change.keys);
        out += marked(change.effect, change.service, what, look);
    }
    for (const bool live : {true, false}) {
        const auto changes = settings(diff, live);
        if (changes.empty()) continue;
        const std::string when =
            live ? "changed live: " : "changes with the next start of reeved: ";
        out += marked(Effect::Live, "supervisor", when + keys_of(changes), look);
    }
    for (const std::string& service : applied.outcome.also) {
        out += marked(Effect::Live, service, "stopped or started on their account", look);
    }
    return out;
}

Telling telling_of(const ConfigurationDiff& diff, const Look& look) {
    return {{}, [&diff, look](const CommandResult& result) {
                if (result.failure == protocol::ErrorCode::TimedOut) {
                    return gave_up_on(result) + look_at(result, look);
                }
                std::string_view what = "restart";
                for (const DefinitionChange& change : diff.services) {
                    if (change.service != result.service) continue;
                    if (change.effect == Effect::Added) what = "start";
                    if (change.effect == Effect::Removed) what = "stop";
                }
                return cannot(what, result, look);
            }};
}

}  // namespace reeve::ctl
