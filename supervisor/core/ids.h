#pragma once

#include "base/ids.h"

namespace reeve::core {

/// A service for as long as it is known, whatever its definition becomes.
using ServiceId = StrongId<struct ServiceTag>;
/// One execution of a service's main process: a new one for each spawn, never used twice.
using RunId = StrongId<struct RunTag>;
/// One auxiliary command or one attempt of a probe.
using TaskId = StrongId<struct TaskTag>;
/// A request that somebody waits for; chosen by whoever asks. None: nobody waits.
using RequestId = StrongId<struct RequestTag>;

}  // namespace reeve::core
