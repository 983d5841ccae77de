#include "ctl/outcome.h"

#include <algorithm>
#include <array>

#include "ctl/text.h"

namespace reeve::ctl {

namespace {

using protocol::CommandResult;
using protocol::ErrorCode;
using protocol::Outcome;
using protocol::State;
using protocol::Verb;

struct Words {
    std::string_view past, present;
};

Words words_for(Verb verb) {
    switch (verb) {
        case Verb::Start:
            return {"started", "starting"};
        case Verb::Stop:
            return {"stopped", "stopping"};
        case Verb::Restart:
            return {"restarted", "restarting"};
        case Verb::Reload:
            return {"reloaded", "reloading"};
    }
    return {};
}

/// Whether the service is where the command was to bring it, and not on its way there.
bool arrived(Verb verb, State state) {
    if (verb == Verb::Stop) return state == State::Stopped;
    return state == State::Running || state == State::Done;
}

std::string done_line(Verb verb, const CommandResult& result) {
    const std::string name = harmless(result.service);
    const std::string state(to_string(result.state));
    std::string detail;
    if (result.pid) {
        detail = " (pid " + std::to_string(*result.pid) + ")";
    } else if (!result.cause.empty()) {
        detail = " (" + harmless(result.cause) + ")";
    }
    if (!result.changed) return name + " is " + state + " already" + detail;
    if (!arrived(verb, result.state)) return name + " is " + state + detail;
    return name + " " + std::string(words_for(verb).past) + detail;
}

std::string failed_line(Verb verb, const CommandResult& result, const Look& look) {
    const std::string name = harmless(result.service);
    const std::string cause = harmless(result.cause);
    std::string line = "reevectl: ";
    if (result.failure == ErrorCode::TimedOut) {
        line += "gave up waiting for " + name + ", which is " +
                std::string(to_string(result.state)) + " still";
        if (!cause.empty()) line += ": " + cause;
    } else {
        line += "cannot " + std::string(to_string(verb)) + " " + name + ": ";
        line += cause.empty() ? "it is " + std::string(to_string(result.state)) : cause;
    }
    line += "\n  look at: " + look.program + " status " + name;
    return line + ", " + look.program + " logs " + name + "\n";
}

}  // namespace

std::string render_done(Verb verb, const Outcome& outcome, const Look&) {
    std::string out;
    for (const CommandResult& result : outcome.results) {
        if (!result.failure) out += done_line(verb, result) + "\n";
    }
    return out;
}

std::string render_failed(Verb verb, const Outcome& outcome, const Look& look) {
    std::string out;
    for (const CommandResult& result : outcome.results) {
        if (result.failure) out += failed_line(verb, result, look);
    }
    return out;
}

std::string render_touches(const protocol::Touches& touches, const Look& look) {
    std::string out;
    for (const Verb verb : {Verb::Stop, Verb::Restart, Verb::Start, Verb::Reload}) {
        std::string line;
        for (const protocol::Touch& touch : touches.services) {
            if (touch.verb != verb) continue;
            line += (line.empty() ? " " : ", ") + harmless(touch.service);
            if (!touch.cause.empty()) line += " (" + harmless(touch.cause) + ")";
        }
        if (line.empty()) continue;
        const std::string title = "also " + std::string(words_for(verb).present) + ":";
        out += painted(title, Colour::Yellow, look) + line + "\n";
    }
    return out;
}

Exit exit_for(const Outcome& outcome) {
    constexpr std::array order = {Exit::Failed, Exit::TimedOut, Exit::NotAllowed,
                                  Exit::NoSuchService, Exit::NotRunning};
    for (const Exit exit : order) {
        const bool any = std::any_of(outcome.results.begin(), outcome.results.end(),
                                     [&](const CommandResult& result) {
                                         return result.failure && exit_for(*result.failure) == exit;
                                     });
        if (any) return exit;
    }
    return Exit::Done;
}

}  // namespace reeve::ctl
