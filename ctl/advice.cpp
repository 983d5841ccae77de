#include "ctl/advice.h"

#include <algorithm>

#include "ctl/text.h"

namespace reeve::ctl {

using protocol::State;

bool never_ran(std::string_view cause) { return cause.starts_with("cannot start"); }

Advice more_about(bool without_log, const std::string& names) {
    if (without_log) return {"its definition", "cat " + names};
    return {"all that it wrote", "logs " + names};
}

std::vector<Advice> advice_for(State state, bool without_log, const std::string& names) {
    const Advice follow{"what it writes", "logs -f " + names};
    const Advice more = more_about(without_log, names);
    const Advice changed{"once that is changed", "apply"};
    switch (state) {
        case State::Failed: {
            const Advice start{"once mended", "start " + names};
            if (without_log) return {start, more, changed};
            return {start, more, {"to leave it stopped", "reset-failed " + names}};
        }
        case State::Backoff: {
            const Advice start{"to try it now", "start " + names};
            if (without_log) return {start, more, changed};
            return {start, more, {"to stop trying", "stop " + names}};
        }
        case State::Stopped:
            return {{"to start it", "start " + names}};
        case State::Waiting:
            return {{"all about it", "status " + names}};
        case State::Starting:
            return {follow, {"to wait for it", "wait " + names + " --for ready"}};
        case State::Stopping:
            return {{"to end it now", "kill -s KILL --tree " + names}, follow};
        case State::Running:
            return {{"all about it", "status " + names}};
        case State::Reloading:
            return {follow};
        case State::Done:
            return {{"to run it again", "start " + names}};
    }
    return {};
}

std::string render_advice(const std::vector<Advice>& advice, const Look& look) {
    std::size_t purposes = 0;
    std::size_t commands = 0;
    for (const Advice& one : advice) {
        purposes = std::max(purposes, columns(one.purpose) + 1);
        commands = std::max(commands, columns(one.command));
    }
    const bool beside =
        look.width == 0 || purposes + 2 + columns(look.program) + 1 + commands <= look.width;
    std::string out;
    for (const Advice& one : advice) {
        out += beside ? padded(one.purpose + ":", purposes) + "  " : one.purpose + ":\n  ";
        out += look.program + " " + one.command + "\n";
    }
    return out;
}

std::string_view meaning(State state) {
    switch (state) {
        case State::Failed:
            return "has failed, and nothing starts it again by itself";
        case State::Backoff:
            return "is in backoff: it failed, and is tried again by itself";
        case State::Stopped:
            return "is stopped";
        case State::Waiting:
            return "waits for another service, and starts by itself after it";
        case State::Starting:
            return "is starting, and not ready yet";
        case State::Stopping:
            return "is being stopped";
        case State::Running:
            return "is running and ready";
        case State::Reloading:
            return "is running, and reads its own configuration again";
        case State::Done:
            return "is done: it ran to its end, and well";
    }
    return {};
}

}  // namespace reeve::ctl
