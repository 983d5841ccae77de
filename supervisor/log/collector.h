#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/plan.h"
#include "supervisor/log/pipes.h"
#include "supervisor/log/syslog_socket.h"
#include "supervisor/log/troubles.h"

namespace reeve::log {

struct CollectorOptions {
    std::string runtime_dir;  ///< empty: nothing is made there, pipes and spool are anonymous
    std::string log_dir;      ///< empty: what is meant for a file goes to the console
    int console_fd = 1;       ///< not owned
    std::string syslog_path = SyslogSocket::kPath;
    Duration spare_for = 10s;  ///< memory that was needed is kept for one or two times this
    /// Called on either thread with a sentence, once for each failure that begins.
    std::function<void(std::string)> on_problem;
};

/// Owns the log thread, which brings what services write from their pipes to files, console and
/// syslog, each line exactly once even when this process is killed (see spool.h). Used from one
/// other thread; none of its calls waits for a log disk. The log thread takes no signals. A second
/// one stands in while the first is caught in a call to a disk that does not answer (see disk.h).
class Collector {
  public:
    /// An error when start() would not take over what a predecessor has left in that runtime
    /// directory, as it is of a version that this program does not know. Changes nothing.
    static Result<> can_take_over(const std::string& runtime_dir);
    /// First finishes what a killed predecessor in the same runtime directory had begun.
    static Result<std::unique_ptr<Collector>> start(CollectorOptions options);
    /// Reads and writes what is in the pipes now, unfinished lines too, and ends the threads. One
    /// that is caught in a call to the disk is left behind, with all that it could touch.
    ~Collector();
    Collector(const Collector&) = delete;
    Collector& operator=(const Collector&) = delete;

    /// `told` is called by the calls that follow with the reading end of each FIFO that is made or
    /// taken over, and its inode; with -1 once it is let go.
    void on_fifo(std::function<void(std::uint64_t inode, int reading)> told) {
        on_fifo_ = std::move(told);
    }

    using Ends = FdPair;
    /// The ends for a child: close-on-exec, blocking, each a description of its own, the user's
    /// own. To be called at each spawn; cheap when the pipes exist.
    Result<Ends> open(const std::string& service, const config::Log& log, uid_t uid, gid_t gid);

    /// Goes on reading the FIFOs of a service that outlived an earlier supervisor; `held`, if there
    /// is such a function, is asked for reading ends of those that somebody has deleted. False:
    /// there are none.
    Result<bool> adopt(const std::string& service, const config::Log& log,
                       const std::function<FdPair()>& held = nullptr);

    /// Calls `matched` once, on the log thread, at the first whole line that the child which is
    /// about to get these ends writes to them and that matches this RE2 pattern somewhere; it must
    /// not call back. Fails when the pattern is none. A service has one watch at a time.
    Result<> watch(const std::string& service, const Ends& ends, const std::string& pattern,
                   std::function<void()> matched);
    /// Afterwards `matched` is not called and not under way.
    void unwatch(const std::string& service);

    /// From now on; for the files that are there also when it never writes.
    void configure(const std::string& service, const config::Log& log);

    /// Calls `done` on the log thread once all that is in the pipes now has been written or counted
    /// as lost; a line without its newline counts as ended. Lines that wait for the disk (on_full:
    /// block) are waited for a second at most. At once for an unknown service.
    void drain(const std::string& service, std::function<void()> done);

    /// Forgets a service that was drained; unlinks its FIFOs.
    void remove(const std::string& service);

    /// What is or was wrong with the log of a service, if anything. Waits for no disk.
    std::optional<Trouble> trouble(const std::string& service) const;

    /// Opens log files anew, after somebody moved them away.
    void reopen();

  private:
    /// What the threads work on: theirs too, as a caught one outlives this object.
    struct Room;

    Collector(Pipes pipes, std::shared_ptr<Room> room, std::function<void(std::string)> on_problem);

    void tell_of_fifos(const std::string& service, const FdPair& reading);

    Pipes pipes_;
    std::function<void(std::uint64_t, int)> on_fifo_;
    std::unordered_map<std::string, std::vector<std::uint64_t>> fifos_;  // told of, by inode
    std::function<void(std::string)> on_problem_;
    bool no_room_ = false;  // has been told
    std::shared_ptr<Room> room_;
    std::thread writing_, standing_in_;
};

}  // namespace reeve::log
