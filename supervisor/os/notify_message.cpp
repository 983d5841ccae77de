#include "supervisor/os/notify_message.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>

#include "supervisor/os/notify_socket.h"

namespace reeve::os {
namespace {

/// How many bytes the character at the front takes; 0 if there is no valid one.
std::size_t character_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (length == 0 || first > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
    }
    // Longer forms than needed, the halves of surrogate pairs, and what lies above U+10FFFF.
    const unsigned second = byte(1);
    if (first == 0xE0 && second < 0xA0) return 0;
    if (first == 0xED && second > 0x9F) return 0;
    if (first == 0xF0 && second < 0x90) return 0;
    if (first == 0xF4 && second > 0x8F) return 0;
    return length;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

constexpr std::uint64_t longest = 100ull * 365 * 24 * 3600 * 1'000'000;  // in microseconds

/// Digits and nothing else, at most `most`.
std::optional<std::uint64_t> number(
    std::string_view text, std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || rest != end || value > most) return std::nullopt;
    return value;
}

std::optional<Duration> microseconds(std::string_view text) {
    const auto value = number(text);
    if (!value) return std::nullopt;
    // Whoever says "for ever" has all bits set; sums with the present time must not overflow.
    return std::chrono::microseconds(std::min(*value, longest));
}

// How each key is read; false if its value cannot be meant.

template <bool NotifyMessage::*flag>
bool read_flag(NotifyMessage& message, std::string_view value) {
    message.*flag = message.*flag || value == "1";
    return true;
}

bool read_watchdog(NotifyMessage& message, std::string_view value) {
    if (value == "1") message.watchdog = NotifyMessage::Watchdog::Alive;
    if (value == "trigger") message.watchdog = NotifyMessage::Watchdog::Trigger;
    return true;
}

bool read_monotonic(NotifyMessage& message, std::string_view value) {
    const auto since_boot = microseconds(value);
    if (since_boot) message.reloading_since = Time(*since_boot);
    return since_boot.has_value();
}

bool read_status(NotifyMessage& message, std::string_view value) {
    message.status = value;
    return true;
}

bool read_errno(NotifyMessage& message, std::string_view value) {
    constexpr std::uint64_t highest = 4095;  // what the kernel keeps numbers of errors below
    const auto errnum = number(value, highest);
    if (errnum) message.errnum = static_cast<int>(*errnum);
    return errnum.has_value();
}

bool read_main_pid(NotifyMessage& message, std::string_view value) {
    const auto pid = number(value, std::numeric_limits<pid_t>::max());
    if (!pid || *pid == 0) return false;
    message.main_pid = static_cast<pid_t>(*pid);
    return true;
}

bool read_watchdog_interval(NotifyMessage& message, std::string_view value) {
    message.watchdog_interval = microseconds(value);
    return message.watchdog_interval.has_value();
}

bool read_extend_timeout(NotifyMessage& message, std::string_view value) {
    message.extend_timeout = microseconds(value);
    return message.extend_timeout.has_value();
}

struct Key {
    std::string_view name;
    bool (*read)(NotifyMessage&, std::string_view);
};
constexpr std::array<Key, 12> keys = {{{"READY", read_flag<&NotifyMessage::ready>},
                                       {"RELOADING", read_flag<&NotifyMessage::reloading>},
                                       {"STOPPING", read_flag<&NotifyMessage::stopping>},
                                       {"STATUS", read_status},
                                       {"ERRNO", read_errno},
                                       {"MAINPID", read_main_pid},
                                       {"WATCHDOG", read_watchdog},
                                       {"WATCHDOG_USEC", read_watchdog_interval},
                                       {"EXTEND_TIMEOUT_USEC", read_extend_timeout},
                                       {"MONOTONIC_USEC", read_monotonic},
                                       {"RESTART_RESET", read_flag<&NotifyMessage::restart_reset>},
                                       {"BARRIER", read_flag<&NotifyMessage::barrier>}}};

Error unreadable(std::string_view why) {
    std::string what = "cannot read notification: ";
    what += why;
    return error(std::move(what));
}

Result<> read_line(std::string_view line, NotifyMessage& message) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) {
        return unreadable("a line is not KEY=VALUE");
    }
    const std::string_view name = line.substr(0, equals);
    const auto* const key = std::find_if(keys.begin(), keys.end(),
                                         [&](const Key& known) { return known.name == name; });
    if (key == keys.end() || key->read(message, line.substr(equals + 1))) return {};
    std::string why = "the value of ";
    why += name;
    why += " is not a number that it can have";
    return unreadable(why);
}

}  // namespace

Result<NotifyMessage> parse_notify_message(std::string_view payload) {
    if (payload.ends_with('\0')) payload.remove_suffix(1);
    if (payload.find('\0') != std::string_view::npos) return unreadable("it has a NUL byte");
    if (!is_utf8(payload)) return unreadable("it is not UTF-8");
    NotifyMessage message;
    int lines = 0;
    while (!payload.empty()) {
        const std::size_t end = std::min(payload.find('\n'), payload.size());
        const std::string_view line = payload.substr(0, end);
        payload.remove_prefix(std::min(end + 1, payload.size()));
        if (line.empty()) continue;
        ++lines;
        if (auto read = read_line(line, message); !read) return read.error();
    }
    if (message.barrier && lines > 1) return unreadable("BARRIER=1 does not stand alone");
    return message;
}

Result<NotifyMessage> parse_notify_message(const NotifyDatagram& datagram) {
    if (datagram.malformed) return unreadable("it is too long");
    auto message = parse_notify_message(datagram.payload);
    if (message && message->barrier && datagram.descriptors.size() != 1) {
        return unreadable("BARRIER=1 comes without the one descriptor that it takes");
    }
    return message;
}

}  // namespace reeve::os
