#include "ctl/event_text.h"

#include <algorithm>

#include "ctl/sheet.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

using protocol::Event;

/// How many columns a terminal's lines have for the time and what is behind it.
constexpr std::size_t clock_width = 14;

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

std::string EventText::name_of(const Event& event) {
    std::string name = harmless(event.service);
    if (look_.width > clock_width) name = clipped(name, look_.width - clock_width, look_.unicode);
    return name;
}

std::string EventText::change(const std::string& moment, const Event& event) {
    const std::string name = name_of(event);
    constexpr std::size_t widest = 24;
    name_width_ = std::clamp(columns(name), name_width_, std::max(name_width_, widest));
    const std::string states = states_text(event, look_) + " ";
    std::string cause = harmless(event.cause);
    if (event.pid) cause += (cause.empty() ? "(pid " : " (pid ") + std::to_string(*event.pid) + ")";
    const auto painted_name = [&](std::string_view text) {
        return painted(text, colour_of_name(event.service), look_);
    };
    const std::size_t used =
        clock_width + std::max(name_width_, columns(name)) + 2 + columns(colourless_line(states));
    if (look_.width == 0 || used <= look_.width) {
        const std::string head = moment + painted_name(padded(name, name_width_)) + "  " + states;
        return cause.empty() ? head.substr(0, head.find_last_not_of(' ') + 1) + "\n"
                             : hanging(head, clock_width, cause, look_);
    }
    // Too narrow for both: what happened stands below the name.
    return moment + painted_name(name) + "\n" + hanging("  " + states, 4, cause, look_);
}

std::string EventText::text(const Event& event) {
    const std::string begin = moment(event.time);
    const auto sentence = [&](std::string words, Colour colour) {
        if (!event.cause.empty()) words += ": " + harmless(event.cause);
        return hanging(begin, clock_width, words, look_, colour);
    };
    switch (event.kind) {
        case Event::Kind::Snapshot:
        case Event::Kind::State:
            return change(begin, event);
        case Event::Kind::Removed:
            return hanging(
                begin + painted(name_of(event), colour_of_name(event.service), look_) + "  ",
                clock_width, "is gone: the configuration no longer has it", look_);
        case Event::Kind::Configuration:
            return sentence("the configuration was read again", Colour::Bold);
        case Event::Kind::Shutdown:
            return sentence("everything is being stopped", Colour::Bold);
        case Event::Kind::Lost:
            return sentence(std::to_string(event.missed) + " events came too fast and are missing",
                            Colour::Red);
    }
    return {};
}

}  // namespace reeve::ctl
