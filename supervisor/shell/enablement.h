#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace reeve::shell {

/// What somebody has decided lastingly about which services are started at boot, beyond what their
/// definitions say: one file a service in STATE_DIR/boot, which holds "enabled" or "disabled".
/// Decisions about services that the configuration lacks are kept, for it may have them again.
class Enablement {
  public:
    /// Remembers nothing without a folder. Files that say something else are passed over, with a
    /// sentence for each in `problems`.
    Enablement(const std::string& state_dir, std::vector<std::string>& problems);

    const std::map<std::string, bool>& decisions() const { return decisions_; }
    /// For all of these services, or on failure for none.
    Result<> decide(const std::vector<std::string>& services, bool enabled);

  private:
    Result<> write(const std::string& service, bool enabled) const;
    void restore(const std::string& service) const;

    std::string folder_;
    std::map<std::string, bool> decisions_;
};

}  // namespace reeve::shell
