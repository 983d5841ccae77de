#pragma once

#include <ctime>

#include "base/time.h"

namespace reeve::os {

/// A moment that files can be compared with, though the wall clock, which their times come from,
/// may be set in between.
class StartMark {
  public:
    StartMark() = default;
    /// One that was taken earlier in this boot, by what it was made of.
    StartMark(WallTime wall, Time monotonic) : wall_(wall), monotonic_(monotonic) {}
    static StartMark now();

    WallTime wall() const { return wall_; }
    Time monotonic() const { return monotonic_; }

    /// Whether a file with this time (of stat(2)) was last changed before.
    bool is_after(const timespec& file) const;

  private:
    WallTime wall_;
    Time monotonic_;
};

}  // namespace reeve::os
