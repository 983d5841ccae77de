#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/os/path_watch.h"
#include "supervisor/os/process_entry.h"
#include "supervisor/os/start_mark.h"
#include "supervisor/shell/asio.h"

namespace reeve::shell {

/// Looks for the main process of one forking run after its first process has ended, until it is
/// found or this object is gone. With a PID file it is the process named in there, once that is
/// alive and of the run's own tree; as nobody else's process is ever taken, it does not matter who
/// can write the file. Without one it is the oldest of those that were left over and re-parented.
class MainFinder {
  public:
    struct Tree {
        std::function<bool(pid_t)> is_member;
        std::function<std::vector<os::ProcessEntry>()> members;  ///< those that are alive
    };
    struct Listener {
        /// Whether it can be taken: then that was the last that is said.
        std::function<bool(pid_t)> found;
        std::function<void(std::string)> awaited;  ///< why not yet, for people, when it changes
    };

    /// `pid_file` is empty where there is none; `start` is a moment before the run's first process.
    MainFinder(asio::io_context& io, std::string pid_file, os::StartMark start, Tree tree,
               Listener listener);
    MainFinder(const MainFinder&) = delete;
    MainFinder& operator=(const MainFinder&) = delete;

    /// To be called to begin with; also whenever something may have changed that no file tells of.
    /// The listener must not destroy the finder.
    void look();
    /// Somebody else has said which it is; nothing is said any more.
    void stop();

  private:
    struct Candidate {
        pid_t pid = 0;
        std::uint64_t start_time = 0;
        bool operator==(const Candidate&) const = default;
    };

    void look_at_file();
    void look_at_tree();
    void watch_file();
    void await_file();
    void look_after(Duration wait);
    void found(pid_t pid);
    void tell(std::string why);
    void tell_of_file(const std::string& why);

    std::string pid_file_;
    os::StartMark start_;
    Tree tree_;
    Listener listener_;
    std::optional<os::PathWatch> watch_;
    asio::posix::stream_descriptor watched_;
    asio::steady_timer timer_;
    bool timer_runs_ = false;
    std::optional<Candidate> candidate_;  // is seen for the first time, or runs
    int patience_ = 0;                    // so often it is looked at again while it runs
    std::string told_;
    bool done_ = false;
    std::shared_ptr<int> alive_;  // for what the loop calls when this is gone
};

}  // namespace reeve::shell
