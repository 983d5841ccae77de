#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "supervisor/os/pidfd.h"

namespace reeve::shell {

/// The only one who waits for processes: all that end are reaped as they do, and whoever expects
/// the end of one is told. Those that are held stay zombies, so that their numbers stay theirs,
/// until released.
class Children {
  public:
    using OnEnd = std::function<void(const os::Ended&)>;

    Children() = default;
    Children(const Children&) = delete;
    Children& operator=(const Children&) = delete;

    /// Called once, from sweep(), if a child of this number is reaped; it may become one of ours
    /// later.
    void expect(pid_t pid, OnEnd on_end);
    /// As expect; `ending` is called while the child is still a zombie, which /proc tells of. It
    /// must not change what is expected.
    void expect(pid_t pid, OnEnd on_end, std::function<void()> ending);
    /// As expect, but the child, which is ours, holds its number until it is forgotten.
    void hold(pid_t pid, OnEnd on_end);
    /// If somebody stops that child, which is expected, it is woken.
    void keep_awake(pid_t pid) { children_.at(pid).awake = true; }
    /// Nobody is told any more. One that was held is reaped if it has ended, and otherwise as it
    /// does.
    void forget(pid_t pid);
    bool knows(pid_t pid) const { return children_.contains(pid); }

    /// `ending` is called with the end of each child that is expected while it is still a zombie.
    void on_ending(OnEnd ending) { ending_ = std::move(ending); }
    /// `reaped` is called with the number of each child that is reaped without being expected: it
    /// may become another's.
    void on_reaped(std::function<void(pid_t)> reaped) { reaped_ = std::move(reaped); }
    /// To be called after SIGCHLD. False: there may be more than it has reaped, which was so many,
    /// and it is to be called again. With some that are held it reaps all.
    bool sweep(std::size_t most);
    /// How often that was done.
    std::uint64_t sweeps() const { return sweeps_; }
    /// The children that nobody expects and that are alive; those that are not are reaped.
    std::vector<pid_t> living_orphans();

  private:
    struct Child {
        OnEnd on_end;  ///< none once it has been called
        bool held = false;
        std::function<void()> ending;  ///< may be none
        bool awake = false;
    };

    bool reap(pid_t pid);
    bool reap(const os::Ended& seen);
    void wake_stopped() const;
    void reaped(const os::Ended& end);
    void look_at_held(pid_t pid);

    std::unordered_map<pid_t, Child> children_;
    int held_ = 0;
    std::uint64_t sweeps_ = 0;
    OnEnd ending_;
    std::function<void(pid_t)> reaped_;
};

}  // namespace reeve::shell
