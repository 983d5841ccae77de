#include "ctl/look.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "ctl/text.h"

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

namespace {

std::string formatted(WallTime time, const char* format) {
    const std::time_t seconds =
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm parts{};
    localtime_r(&seconds, &parts);
    char text[256];  // the name of a time zone may be long
    const std::size_t length = std::strftime(text, sizeof text, format, &parts);
    return {text, length};
}

}  // namespace

std::string local_time(WallTime time) { return formatted(time, "%Y-%m-%d %H:%M:%S %Z"); }

std::string local_date(WallTime time) { return formatted(time, "%Y-%m-%d"); }

std::string local_clock_in_seconds(WallTime time) { return formatted(time, "%H:%M:%S"); }

std::string local_clock(WallTime time) {
    using namespace std::chrono;
    const auto milliseconds_of_second =
        floor<milliseconds>(time.time_since_epoch()) - floor<seconds>(time.time_since_epoch());
    char text[8];
    std::snprintf(text, sizeof text, ".%03d", static_cast<int>(milliseconds_of_second.count()));
    return local_clock_in_seconds(time) + text;
}

std::string time_since(WallTime then, const Look& look) {
    return in_words(std::max(Duration{}, look.now - then));
}

std::string last_exit_text(const protocol::LastExit& exit, const Look& look) {
    std::string text = exit.status.text();
    if (exit.ran) text += " after " + in_words(*exit.ran);
    if (exit.at && !exit.ran) text += ", while no supervisor was there; noticed";
    if (exit.at) text += (exit.ran ? ", " : " ") + time_since(*exit.at, look) + " ago";
    return text;
}

std::string log_trouble_text(const protocol::LogTrouble& trouble, const Look& look) {
    std::string text;
    const auto add = [&](std::string_view what) {
        if (!text.empty()) text += "; ";
        text += what;
    };
    const auto lines = [](std::uint64_t count) {
        return grouped(count) + (count == 1 ? " line" : " lines");
    };
    if (trouble.problem) {
        add(harmless(*trouble.problem));
        const bool today = trouble.since && look.now - *trouble.since < 24h;
        if (trouble.since) {
            text += " since ";
            text += today ? local_clock_in_seconds(*trouble.since) : local_time(*trouble.since);
        }
        if (trouble.waiting) add("its lines wait");
    }
    if (trouble.lost > 0) add(lines(trouble.lost) + " lost");
    if (trouble.over_rate > 0) add(lines(trouble.over_rate) + " dropped as over its rate");
    return text;
}

Branch branch(bool last, const Look& look) {
    if (look.unicode) return last ? Branch{"└─ ", "   "} : Branch{"├─ ", "│  "};
    return last ? Branch{"`- ", "   "} : Branch{"|- ", "|  "};
}

std::string predicate(State state) {
    if (state == State::Backoff) return "is in backoff";
    if (state == State::Failed) return "has failed";
    return "is " + std::string(to_string(state));
}

bool is_running(State state) { return state == State::Running || state == State::Reloading; }

bool is_down_otherwise(State state) { return state == State::Failed || state == State::Done; }

}  // namespace reeve::ctl
