#pragma once

#include <sys/types.h>

#include <csignal>

#include "base/result.h"
#include "supervisor/init/terminal.h"

namespace reeve::init {

/// What was found at start and has changed since; the command gets it back.
struct Inherited {
    sigset_t mask;
    struct sigaction on_child;
};

/// Starts the command as a child with a process group of its own, in the terminal's foreground
/// where that was ours. All signals are to be blocked: those that come meanwhile are pending then,
/// in either process. A command that cannot be executed says so and ends with 126 or 127.
Result<pid_t> start(char* const* command, const Inherited& inherited, const Terminal& terminal);

}  // namespace reeve::init
