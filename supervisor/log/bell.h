#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/fd.h"

namespace reeve::log {

/// Wakes a thread that polls fd(); any thread may ring it, and however often that happens before it
/// is heard, it is heard once. An eventfd(2).
class Bell {
  public:
    Bell() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

    /// -1 when no descriptor was to be had; nothing is ever heard then.
    int fd() const { return fd_.get(); }

    void ring() const {
        const std::uint64_t one = 1;
        // It fails only when the counter is full, and then the bell rings already.
        [[maybe_unused]] const auto rung = ::write(fd_.get(), &one, sizeof one);
    }

    /// Whether it has rung since it was last asked.
    bool heard() const {
        std::uint64_t rings = 0;
        return ::read(fd_.get(), &rings, sizeof rings) >= 0;
    }

  private:
    Fd fd_;
};

}  // namespace reeve::log
