#include "ctl/options.h"

#include <array>
#include <charconv>

#include "config/values.h"
#include "ctl/arguments.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

/// An option that only notes that it was given.
template <bool Invocation::*member, bool value = true>
std::string flag(Invocation& into, std::string_view) {
    into.*member = value;
    return {};
}

std::string set_socket(Invocation& into, std::string_view value) {
    if (value.empty()) return "the path of a socket is missing";
    into.socket = value;
    return {};
}

std::string set_all(Invocation&, std::string_view) {
    return {};  // what it means depends on the verb
}

std::string set_timeout(Invocation& into, std::string_view value) {
    const auto timeout = config::parse_duration(value);
    if (!timeout) return timeout.error().what;
    into.timeout = *timeout;
    return {};
}

std::string set_signal(Invocation& into, std::string_view value) {
    const auto signal = config::parse_signal(value);
    if (!signal) return signal.error().what;
    into.signal = *signal;
    return {};
}

std::string set_until(Invocation& into, std::string_view value) {
    using protocol::Until;
    for (const Until until : {Until::Ready, Until::Stopped, Until::Failed, Until::Done}) {
        if (value != to_string(until)) continue;
        into.until = until;
        return {};
    }
    return "it is ready, stopped, failed or done, not " + harmless(value);
}

std::string set_last(Invocation& into, std::string_view value) {
    std::uint64_t number = Invocation::everything;
    const char* end = value.data() + value.size();
    const auto [rest, failed] = std::from_chars(value.data(), end, number);
    const bool is_number = failed == std::errc() && rest == end;
    if (!is_number && value != "all") return "it is a number, or all, not " + harmless(value);
    into.last = number;
    return {};
}

template <std::optional<std::string> Invocation::*member>
std::string set_text(Invocation& into, std::string_view value) {
    into.*member = value;
    return {};
}

std::string set_stream(Invocation& into, std::string_view value) {
    if (value != "stdout" && value != "stderr") {
        return "it is stdout or stderr, not " + harmless(value);
    }
    into.stream = value;
    return {};
}

std::string set_run(Invocation& into, std::string_view value) {
    int number = 0;
    const char* end = value.data() + value.size();
    const auto [rest, failed] = std::from_chars(value.data(), end, number);
    if (failed != std::errc() || rest != end || number > 0) {
        return "it is 0 for the last run or the present one, -1 for the one before and so on, "
               "not " +
               harmless(value);
    }
    into.run = number;
    return {};
}

std::string set_property(Invocation& into, std::string_view value) {
    while (true) {
        const std::size_t comma = value.find(',');
        const std::string_view key = value.substr(0, comma);
        if (key.empty()) return "a key is missing";
        into.properties.emplace_back(key);
        if (comma == value.npos) return {};
        value.remove_prefix(comma + 1);
    }
}

constexpr std::array table = {
    OptionInfo{Option::All, 'a', "all", nullptr, "All services", set_all},
    OptionInfo{Option::Signal, 's', "signal", "SIG", "Which signal to send (TERM)", set_signal},
    OptionInfo{Option::Tree, 0, "tree", nullptr, "To every process of the service",
               flag<&Invocation::tree>},
    OptionInfo{Option::Until, 0, "for", "STATE", "ready (unless said), stopped, failed or done",
               set_until},
    OptionInfo{Option::Now, 0, "now", nullptr, "Start or stop them as well, and wait for that",
               flag<&Invocation::now>},
    OptionInfo{Option::Follow, 'f', "follow", nullptr, "Go on with what comes from now on",
               flag<&Invocation::follow>},
    OptionInfo{Option::Last, 'n', "lines", "N", "Only the last N, or all", set_last},
    OptionInfo{Option::Since, 0, "since", "T", "Only what was written at T or later",
               set_text<&Invocation::since>},
    OptionInfo{Option::Before, 0, "until", "T", "Only what was written before T",
               set_text<&Invocation::before>},
    OptionInfo{Option::Stream, 0, "stream", "STREAM", "Only stdout, or only stderr", set_stream},
    OptionInfo{Option::Grep, 0, "grep", "PATTERN", "Only lines that match, as RE2 has patterns",
               set_text<&Invocation::grep>},
    OptionInfo{Option::Run, 0, "run", "N", "Only one run: 0 the last, -1 the one before", set_run},
    OptionInfo{Option::Property, 'p', "property", "KEY", "Only these, separated by commas",
               set_property},
    OptionInfo{Option::Value, 0, "value", nullptr, "Print values without their keys",
               flag<&Invocation::values_only>},
    OptionInfo{Option::NoWait, 0, "no-wait", nullptr, "Return once it is under way",
               flag<&Invocation::wait, false>},
    OptionInfo{Option::Timeout, 0, "timeout", "D", "Give up waiting after this long: 30s, 5m",
               set_timeout},
    OptionInfo{Option::DryRun, 0, "dry-run", nullptr, "Only print what would be done, in order",
               flag<&Invocation::dry_run>},
    OptionInfo{Option::Socket, 's', "socket", "SOCKET", "The supervisor's control socket",
               set_socket},
    OptionInfo{Option::Json, 0, "json", nullptr, "JSON, in a form that stays as it is",
               flag<&Invocation::json>},
    OptionInfo{Option::NoColour, 0, "no-color", nullptr, "No colours, on a terminal neither",
               flag<&Invocation::colour, false>},
    OptionInfo{Option::NoColour, 0, "no-colour", nullptr, nullptr,
               flag<&Invocation::colour, false>},
    OptionInfo{Option::Quiet, 'q', "quiet", nullptr, "No notes, and nothing of success",
               flag<&Invocation::quiet>},
    OptionInfo{Option::Help, 'h', "help", nullptr, "This help, or that of a verb"},
    OptionInfo{Option::Version, 'V', "version", nullptr, "The version of this program"},
};

}  // namespace

std::span<const OptionInfo> options() { return table; }

}  // namespace reeve::ctl
