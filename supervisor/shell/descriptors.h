#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"

/// Who may take descriptors while few are left under RLIMIT_NOFILE. The last 64, or a quarter of
/// them all, are not for services: without any, nobody could ask us anything, and what a service
/// leaves behind could not be found. Half of these are for clients; where those have more, they
/// leave enough for some starts.
namespace reeve::shell {

/// Whether a service may be started.
Result<> descriptors_for_start();

/// Why the last of so many clients is to be refused; nothing if it is not. It leaves `spared` more
/// than others.
std::optional<std::string> refuse_descriptor(std::size_t clients, std::size_t spared);

}  // namespace reeve::shell
