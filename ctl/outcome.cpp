#include "ctl/outcome.h"

#include <algorithm>
#include <array>

#include "ctl/advice.h"
#include "ctl/sheet.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

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

std::string done_line(Verb verb, const CommandResult& result, bool waited) {
    const std::string name = harmless(result.service);
    if (!waited && result.changed) {
        return name + " is " + std::string(words_for(verb).present) + ", which is not waited for";
    }
    const std::string state = predicate(result.state);
    std::string detail;
    if (result.pid) {
        detail = " (pid " + std::to_string(*result.pid) + ")";
    } else if (!result.cause.empty()) {
        detail = " (" + harmless(result.cause) + ")";
    }
    if (verb == Verb::Stop && is_down_otherwise(result.state)) {
        return name + " is down" + (result.changed ? "" : " already") + " (" +
               std::string(to_string(result.state)) + ")";
    }
    if (!result.changed) return name + " " + state + " already" + detail;
    if (!arrived(verb, result.state)) return name + " " + state + detail;
    return name + " " + std::string(words_for(verb).past) + detail;
}

std::string failed_sentence(Verb verb, const CommandResult& result, const Look& look) {
    if (result.failure == ErrorCode::TimedOut) return gave_up_on(result) + look_at(result, look);
    return cannot(to_string(verb), result, look);
}

}  // namespace

Telling telling_of(Verb verb, const Look& look, bool waited) {
    return {
        [verb, waited](const CommandResult& result) { return done_line(verb, result, waited); },
        [verb, look](const CommandResult& result) { return failed_sentence(verb, result, look); }};
}

std::string reason_of(const CommandResult& result) {
    return result.cause.empty() ? "it " + predicate(result.state) : harmless(result.cause);
}

std::string cannot(std::string_view what, const CommandResult& result, const Look& look) {
    std::string reason = reason_of(result);
    constexpr std::string_view doubled = "cannot start: ";
    const bool is_start = what == "start" || what == "restart";
    if (is_start && reason.starts_with(doubled)) reason.erase(0, doubled.size());
    return "cannot " + std::string(what) + " " + harmless(result.service) + ": " + reason +
           look_at(result, look);
}

std::string gave_up_on(const CommandResult& result) {
    std::string line = "gave up waiting for " + harmless(result.service) + ", which " +
                       predicate(result.state) + " still";
    return result.cause.empty() ? line : line + ": " + harmless(result.cause);
}

std::string look_at(const CommandResult& result, const Look& look) {
    const std::string name = harmless(result.service);
    const std::string why = look.program + " why " + name;
    const std::string more = look.program + " " + more_about(never_ran(result.cause), name).command;
    const std::string line = "\n  look at: " + why + ", " + more;
    // A command is never cut.
    if (look.width == 0 || columns(line) <= look.width) return line;
    return "\n  look at:\n  " + why + "\n  " + more;
}

Exit tell(Task& task, const Outcome& outcome, const Telling& telling) {
    if (task.invocation.json) {
        task.out.write(protocol::to_json(outcome) + "\n");
    } else if (!task.invocation.quiet) {
        for (const CommandResult& result : outcome.results) {
            if (!result.failure) task.out.write(telling.done(result) + "\n");
        }
    }
    tell_failures(task, outcome, telling);
    return exit_for(outcome);
}

void tell_failures(Task& task, const Outcome& outcome, const Telling& telling) {
    task.out.flush();
    for (const CommandResult& result : outcome.results) {
        if (result.failure) task.err.write("reevectl: " + telling.failed(result) + "\n");
    }
}

std::string render_touches(const protocol::Touches& touches, const Look& look) {
    std::string out;
    for (const Verb verb : {Verb::Stop, Verb::Restart, Verb::Start, Verb::Reload}) {
        std::string line;
        for (const protocol::Touch& touch : touches.services) {
            if (touch.verb != verb) continue;
            line += (line.empty() ? "" : ", ") + harmless(touch.service);
            if (!touch.cause.empty()) line += " (" + harmless(touch.cause) + ")";
        }
        if (line.empty()) continue;
        const std::string title = "also " + std::string(words_for(verb).present) + ":";
        out += hanging(painted(title, Colour::Yellow, look) + " ", 2, line, look);
    }
    return out;
}

std::string render_steps(std::span<const protocol::Step> steps, const Look& look) {
    if (steps.empty()) return "nothing would be done to any service\n";
    const std::size_t width = std::to_string(steps.size()).size() + 2;
    std::string out = painted("would be done, in order:", Colour::Bold, look) + "\n";
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const protocol::Step& step = steps[i];
        std::string what = std::string(to_string(step.kind)) + " " + harmless(step.service);
        if (!step.cause.empty()) what += ": " + harmless(step.cause);
        out += hanging(right_aligned(std::to_string(i + 1), width) + ". ", width + 2, what, look);
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
