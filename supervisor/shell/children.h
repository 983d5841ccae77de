#pragma once

#include <sys/types.h>

#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/os/pidfd.h"
#include "supervisor/shell/asio.h"

namespace reeve::shell {

/// The only one who waits for processes. Those we spawned are watched by pidfd, reported once when
/// they end, and stay zombies, so that their numbers stay theirs, until released. All others that
/// come to us as the reaper of orphans are reaped as they end.
class Children {
  public:
    using OnEnd = std::function<void(const os::Ended&)>;

    explicit Children(asio::io_context& io) : io_(io) {}
    Children(const Children&) = delete;
    Children& operator=(const Children&) = delete;

    /// A child that cannot be watched is killed, and reaped like an orphan.
    Result<> add(pid_t pid, Fd pidfd, OnEnd on_end);
    /// Through the pidfd, so never to a stranger; one that has ended already is no error.
    void signal(pid_t pid, int signal);
    /// To a child's process group, which cannot be a stranger's as long as the child is not
    /// released.
    void signal_group(pid_t pid, int signal) const;
    /// Reaps the child if it has ended, and forgets it.
    void release(pid_t pid);
    bool knows(pid_t pid) const { return children_.contains(pid); }

    /// `reaped` is called with the number of each orphan that is reaped: it may become another's.
    void on_reaped(std::function<void(pid_t)> reaped) { reaped_ = std::move(reaped); }
    /// Reaps every orphan that has ended; finds ends of our own that no pidfd has told yet. To be
    /// called after SIGCHLD.
    void sweep();
    /// The children that nobody added and that are alive; those that are not are reaped.
    std::vector<pid_t> living_orphans();

  private:
    struct Child {
        asio::posix::stream_descriptor pidfd;
        OnEnd on_end;  ///< none once it has been called
    };

    void await_end(pid_t pid);
    void look_at(pid_t pid);
    bool reap_orphan(pid_t pid);

    asio::io_context& io_;
    std::unordered_map<pid_t, Child> children_;
    std::function<void(pid_t)> reaped_;
};

}  // namespace reeve::shell
