#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "supervisor/os/process_entry.h"

namespace reeve::shell {

/// What left a cgroup together with the main process of a service. It is looked for only once that
/// one has been seen outside: by the sessions and process groups that main processes led, and by
/// the invocation id in the environment. What is in another cgroup of ours is no stray.
class Strays {
  public:
    /// Cgroups are named by their paths as /proc/PID/cgroup has them.
    Strays(std::string ours, std::string own, std::string invocation_id);

    /// This is a main process: a session or group of its number is the service's.
    void led_by(pid_t main) { led_.insert(main); }
    /// To be told of the main process before something is done about it, and while it is a zombie.
    void look_at(pid_t main);
    /// Whether the main process has been seen outside.
    bool any() const { return left_; }
    /// Those that are alive; `main` is the main process unless it has been reaped, else 0. The main
    /// process itself is among them only if it bears a mark. Costs a look at every process.
    std::vector<os::ProcessEntry> find(pid_t main);

  private:
    std::set<pid_t> marks(pid_t main) const;

    std::string ours_, own_, invocation_id_;
    std::set<pid_t> led_;
    std::map<pid_t, std::uint64_t> known_;  // strays and their start times
    bool left_ = false;
};

}  // namespace reeve::shell
