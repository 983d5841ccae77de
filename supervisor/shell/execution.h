#pragma once

#include "base/result.h"
#include "config/plan.h"
#include "supervisor/os/spawn.h"
#include "supervisor/shell/environment.h"

/// From what a definition says a process of a service is, to what a child is made of.
namespace reeve::shell {

/// Complete but for descriptors 0, 1 and 2. `as_root`: as the supervisor itself, with nothing of
/// what the service may not or shall not see: not its user, capabilities and root directory. Fails
/// when the supervisor cannot give what is asked for.
Result<os::SpawnSpec> spec_of(const config::Execution& execution, const config::Argv& command,
                              const Environment& own, const Environment& extra, bool as_root);

/// Makes the folders of a service and returns the variables that name them to it, as systemd has
/// them: RUNTIME_DIRECTORY, STATE_DIRECTORY, LOGS_DIRECTORY, with colons between several.
Result<Environment> make_directories(const config::Execution& execution, const Environment& own);

}  // namespace reeve::shell
