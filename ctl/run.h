#pragma once

#include <span>
#include <string>

#include "ctl/host.h"

namespace reeve::ctl {

/// The whole program but for main(): carries out the arguments behind the program's name and gives
/// its exit status.
int run(const Host& host, std::span<const std::string> arguments);

}  // namespace reeve::ctl
