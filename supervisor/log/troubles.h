#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/time.h"

namespace reeve::log {

/// What is or was wrong with the log of a service.
struct Trouble {
    std::string problem;   ///< why lines are not written now; empty: they are
    WallTime since{};      ///< when that began
    bool waiting = false;  ///< the service's lines wait for it; false: they are lost
    /// Lines that no file took since the supervisor started, or the one that it took over from.
    std::uint64_t lost = 0;
    std::uint64_t over_rate = 0;  ///< lines dropped as more than the rate allows, since then
    bool operator==(const Trouble&) const = default;
};

/// The troubles of all services, of those that had any. The log thread writes them down, once for
/// many lines; whoever asks waits for nobody's disk.
class Troubles {
  public:
    std::optional<Trouble> of(const std::string& service) const {
        const std::lock_guard lock(mutex_);
        const auto found = troubles_.find(service);
        if (found == troubles_.end()) return std::nullopt;
        return found->second;
    }
    void set(const std::string& service, Trouble trouble) {
        const std::lock_guard lock(mutex_);
        troubles_[service] = std::move(trouble);
    }
    void forget(const std::string& service) {
        const std::lock_guard lock(mutex_);
        troubles_.erase(service);
    }

  private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Trouble> troubles_;
};

}  // namespace reeve::log
