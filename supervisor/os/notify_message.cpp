#include "supervisor/os/notify_message.h"

#include <algorithm>

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

}  // namespace

Result<NotifyMessage> parse_notify_message(std::string_view payload) {
    if (payload.ends_with('\0')) payload.remove_suffix(1);
    if (payload.find('\0') != std::string_view::npos) {
        return error("cannot read notification: it has a NUL byte");
    }
    if (!is_utf8(payload)) return error("cannot read notification: it is not UTF-8");
    NotifyMessage message;
    while (!payload.empty()) {
        const std::size_t end = std::min(payload.find('\n'), payload.size());
        const std::string_view line = payload.substr(0, end);
        payload.remove_prefix(std::min(end + 1, payload.size()));
        if (line.empty()) continue;
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos || equals == 0) {
            return error("cannot read notification: a line is not KEY=VALUE");
        }
        message.emplace_back(line.substr(0, equals), line.substr(equals + 1));
    }
    return message;
}

Result<NotifyMessage> parse_notify_message(const NotifyDatagram& datagram) {
    if (datagram.malformed) return error("cannot read notification: it is too long");
    return parse_notify_message(datagram.payload);
}

}  // namespace reeve::os
