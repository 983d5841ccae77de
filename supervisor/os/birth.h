#pragma once

#include <sys/types.h>

#include <ctime>

namespace reeve::os {

/// What a child writes of itself before anything else (births.h). It is alive at that moment and
/// has its number, which cannot be said of any later one with the same number.
struct Birth {
    timespec moment;  ///< by CLOCK_BOOTTIME
    pid_t pid;        ///< written last; 0: nothing has been written
};

}  // namespace reeve::os
