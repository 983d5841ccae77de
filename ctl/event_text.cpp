#include "ctl/event_text.h"

#include <algorithm>

#include "ctl/text.h"

namespace reeve::ctl {

namespace {

using protocol::Event;

/// "starting → running"; when nothing but the cause is another one: "starting".
std::string states_text(const Event& event, const Look& look) {
    constexpr std::size_t longest = 20;
    const std::string to(to_string(event.to));
    std::string before;
    if (event.kind == Event::Kind::Snapshot) before = "is ";
    if (event.from && *event.from != event.to) {
        before = std::string(to_string(*event.from)) + (look.unicode ? " → " : " -> ");
    }
    const std::size_t used = columns(before) + to.size();
    return before + painted(to, colour_of(event.to), look) +
           std::string(longest + 1 - std::min(longest, used), ' ');
}

}  // namespace

std::string EventText::moment(WallTime time) {
    const std::string date = local_date(time);
    const std::string clock = local_clock(time);
    if (look_.width == 0) return date + " " + clock + "  ";
    if (date == date_) return clock + "  ";
    date_ = date;
    return painted(date, Colour::Dim, look_) + "\n" + clock + "  ";
}

std::string EventText::change(const Event& event) {
    const std::string name = harmless(event.service);
    constexpr std::size_t widest = 24;
    name_width_ = std::clamp(columns(name), name_width_, std::max(name_width_, widest));
    std::string line = painted(padded(name, name_width_), colour_of_name(event.service), look_);
    line += "  " + states_text(event, look_) + " " + harmless(event.cause);
    if (event.pid) line += " (pid " + std::to_string(*event.pid) + ")";
    return line.substr(0, line.find_last_not_of(' ') + 1);
}

std::string EventText::text(const Event& event) {
    const auto sentence = [&](std::string words, Colour colour) {
        if (!event.cause.empty()) words += ": " + harmless(event.cause);
        return painted(words, colour, look_);
    };
    std::string line = moment(event.time);
    switch (event.kind) {
        case Event::Kind::Snapshot:
        case Event::Kind::State:
            line += change(event);
            break;
        case Event::Kind::Removed:
            line += painted(harmless(event.service), colour_of_name(event.service), look_) +
                    "  is gone: the configuration no longer has it";
            break;
        case Event::Kind::Configuration:
            line += sentence("the configuration was read again", Colour::Bold);
            break;
        case Event::Kind::Shutdown:
            line += sentence("everything is being stopped", Colour::Bold);
            break;
        case Event::Kind::Lost:
            line += painted(std::to_string(event.missed) + " events came too fast and are missing",
                            Colour::Red, look_);
            break;
    }
    return line + "\n";
}

}  // namespace reeve::ctl
