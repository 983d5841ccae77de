#pragma once

#include <cstdint>

#include "base/time.h"
#include "config/plan.h"

namespace reeve::log {

/// How many lines a service may still write: so many in each span of time, the first of which
/// begins with a line. Pure: the clock is the caller's.
class RateWindow {
  public:
    /// Lines that may be written now.
    std::uint64_t left(const config::LogRate& rate, Time now) {
        if (!begun_ || now - start_ >= rate.per) {
            begun_ = true;
            start_ = now;
            used_ = 0;
        }
        return used_ < rate.lines ? rate.lines - used_ : 0;
    }
    void use(std::uint64_t lines) { used_ += lines; }

  private:
    bool begun_ = false;
    Time start_{};
    std::uint64_t used_ = 0;
};

}  // namespace reeve::log
