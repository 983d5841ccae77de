#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "supervisor/os/holder.h"
#include "supervisor/shell/asio.h"
#include "supervisor/shell/children.h"
#include "supervisor/shell/own_log.h"
#include "supervisor/state/records.h"

namespace reeve::shell {

/// The descriptors of ours that a holder (os/holder.h) has too, so that whatever waits in them is
/// there for a successor of this process, and those that a predecessor has left to us. One that is
/// lost is replaced, and given everything again. Without a runtime directory there is none, and
/// nothing outlives us.
class Holding {
  public:
    /// The numbers are known to successors.
    enum class Kind : std::uint32_t {
        Listener = 1,   ///< the control socket
        LogPipe = 2,    ///< the reading end of a service's output, by inode
        Process = 3,    ///< the pidfd of a main process, by the number of its tree
        Notify = 4,     ///< the socket of a run's notifications
        ReadyPipe = 5,  ///< the reading end of a run's descriptor for readiness
    };

    Holding(asio::io_context& io, Children& children, OwnLog& log);
    Holding(const Holding&) = delete;
    Holding& operator=(const Holding&) = delete;

    /// Finds the holder of a predecessor, or starts one.
    void begin(os::Spawner& spawner, const std::string& runtime_dir);
    /// Another one is started if the file of its socket is gone, by which a successor finds it, or
    /// if there has been none to be had.
    void restore();

    /// What a predecessor has left, and the holder goes on holding; none if it has not.
    Fd take(Kind kind, std::uint64_t id);
    /// Lets go of all that it has left and nobody has taken.
    void drop_rest();

    /// Keeps a copy of the descriptor, whose owner leaves it open under this number until it calls
    /// drop(), or this with another one.
    void keep(Kind kind, std::uint64_t id, int descriptor);
    /// Keeps a copy of a pidfd, which need not stay open: the process can be found again.
    void keep(std::uint64_t tree, const state::Process& main, int pidfd);
    void drop(Kind kind, std::uint64_t id);
    /// Sees that the holder has what it was given: before this process is gone.
    void flush();
    /// Nothing is to be left to anybody.
    void end();

  private:
    using Key = std::pair<Kind, std::uint64_t>;
    struct Kept {
        int descriptor = -1;  ///< its owner's; -1: it is the pidfd of
        state::Process process;
    };

    void find();
    void start();
    void failed(const Error& why);
    void watch();
    bool is_reachable() const;
    void lost(pid_t holder, std::string why);
    void let_go();
    void replace();
    void hand_over(const Key& key, Fd copy);
    void hand_over_again();
    void flush_soon();
    void await_room();

    asio::io_context& io_;
    Children& children_;
    OwnLog& log_;
    os::Spawner* spawner_ = nullptr;  // none: nothing outlives us
    std::string path_;
    std::optional<os::Holder> holder_;
    std::map<Key, Fd> left_;
    std::map<Key, Kept> kept_;
    std::deque<Key> again_;  // of those, what the present holder has not been given yet
    asio::posix::stream_descriptor connection_;  // a copy of the holder's
    dev_t device_ = 0;                           // of its socket's file
    ino_t inode_ = 0;
    bool flushing_ = false;
    asio::steady_timer pause_;
    Time tried_{};          // when we last started one, or could not
    std::string lost_why_;  // there was one, and there is to be another
    bool failing_ = false;  // there is none, which was told
};

}  // namespace reeve::shell
