#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace reeve::os {

struct NotifyDatagram;

/// What a service says of itself by sd_notify(3): keys and values in order.
using NotifyMessage = std::vector<std::pair<std::string, std::string>>;

/// Lines of KEY=VALUE, empty ones among them. An error for a line without key or '=', for a NUL
/// (except one at the very end, which careless senders count in) and for what is not UTF-8.
Result<NotifyMessage> parse_notify_message(std::string_view payload);

/// The same of a datagram, which must be whole.
Result<NotifyMessage> parse_notify_message(const NotifyDatagram& datagram);

}  // namespace reeve::os
