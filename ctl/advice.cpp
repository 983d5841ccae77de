#include "ctl/advice.h"

#include <algorithm>

#include "ctl/text.h"

namespace reeve::ctl {

using protocol::State;

bool never_ran(std::string_view cause) { return cause.starts_with("cannot start"); }

std::vector<Advice> advice_for(State state, bool never_ran, const std::string& names) {
    const Advice about = never_ran ? Advice{"its definition", "cat " + names}
                                   : Advice{"all that it wrote", "logs " + names};
    const Advice follow{"what it writes", "logs -f " + names};
    switch (state) {
        case State::Failed:
            return {{"once mended", "start " + names},
                    about,
                    {"to leave it stopped", "reset-failed " + names}};
        case State::Backoff:
            return {
                {"to try it now", "start " + names}, about, {"to stop trying", "stop " + names}};
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
    std::size_t width = 0;
    for (const Advice& one : advice) width = std::max(width, columns(one.purpose) + 1);
    std::string out;
    for (const Advice& one : advice) {
        out += padded(one.purpose + ":", width) + "  " + look.program + " " + one.command + "\n";
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
