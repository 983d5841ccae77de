#pragma once

#include <sys/types.h>

#include "base/fd.h"
#include "supervisor/state/records.h"

/// Processes by what is written down of them.
namespace reeve::shell {

/// The process that has the number now; without a start time if there is none.
state::Process identify(pid_t pid);

/// Its pidfd, also if it is a zombie; none when it is gone, whoever has its number now.
Fd find_process(const state::Process& process);

}  // namespace reeve::shell
