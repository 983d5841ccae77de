#include "ctl/look.h"

#include <time.h>

#include <array>

namespace reeve::ctl {

using protocol::State;

std::string painted(std::string_view text, Colour colour, const Look& look) {
    if (!look.colour || colour == Colour::Plain || text.empty()) return std::string(text);
    constexpr std::array<std::string_view, 9> codes = {"0",  "1",  "2",  "31", "32",
                                                       "33", "34", "35", "36"};
    return "\x1b[" + std::string(codes[static_cast<std::size_t>(colour)]) + "m" +
           std::string(text) + "\x1b[0m";
}

Colour colour_of(State state) {
    switch (state) {
        case State::Running:
        case State::Done:
            return Colour::Green;
        case State::Failed:
            return Colour::Red;
        case State::Backoff:
        case State::Waiting:
        case State::Starting:
        case State::Reloading:
        case State::Stopping:
            return Colour::Yellow;
        case State::Stopped:
            return Colour::Dim;
    }
    return Colour::Plain;
}

Colour colour_of_name(std::string_view name) {
    constexpr std::array colours = {Colour::Cyan, Colour::Green, Colour::Yellow, Colour::Magenta,
                                    Colour::Blue};
    std::size_t sum = 0;
    for (const char c : name) sum = sum * 31 + static_cast<unsigned char>(c);
    return colours[sum % colours.size()];
}

std::string local_time(WallTime time) {
    const std::time_t seconds =
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm parts{};
    localtime_r(&seconds, &parts);
    char text[64];
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z", &parts);
    return {text, length};
}

std::string predicate(State state) {
    if (state == State::Backoff) return "is in backoff";
    if (state == State::Failed) return "has failed";
    return "is " + std::string(to_string(state));
}

bool is_running(State state) { return state == State::Running || state == State::Reloading; }

}  // namespace reeve::ctl
