#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace reeve::os {

struct NotifyDatagram;

/// What a process says of itself by sd_notify(3), in one message.
struct NotifyMessage {
    enum class Watchdog { Nothing, Alive, Trigger };
    bool ready = false;
    bool reloading = false;
    bool stopping = false;
    bool restart_reset = false;
    bool barrier = false;  ///< then it says nothing else, and has the one descriptor to be closed
    Watchdog watchdog = Watchdog::Nothing;
    std::optional<Time> reloading_since{};  ///< MONOTONIC_USEC
    std::optional<std::string> status{};
    std::optional<int> errnum{};
    std::optional<pid_t> main_pid{};
    std::optional<Duration> watchdog_interval{};
    std::optional<Duration> extend_timeout{};

    bool operator==(const NotifyMessage&) const = default;
};

/// Reads lines of KEY=VALUE. Of a key that comes twice the last one counts; keys that are unknown,
/// flags that are not 1 and empty lines say nothing. An error for a line without key or '=', for a
/// number that is none or too large, for BARRIER=1 beside anything else, for a NUL (except one at
/// the very end, which careless senders count in) and for what is not UTF-8. Times of more than
/// a hundred years count as that.
Result<NotifyMessage> parse_notify_message(std::string_view payload);

/// The same of a datagram, which must be whole, and have one descriptor if it is a barrier.
Result<NotifyMessage> parse_notify_message(const NotifyDatagram& datagram);

}  // namespace reeve::os
