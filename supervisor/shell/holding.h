#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "supervisor/os/holder.h"
#include "supervisor/shell/asio.h"
#include "supervisor/shell/children.h"
#include "supervisor/shell/own_log.h"

namespace reeve::shell {

/// The descriptors of ours that a holder (os/holder.h) has too, so that whatever waits in them is
/// there for a successor of this process, and those that a predecessor has left to us. Without a
/// runtime directory, or where no holder can be had, there is none, and nothing outlives us.
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
    bool exists() const { return holder_.has_value(); }

    /// What a predecessor has left, and the holder goes on holding; none if it has not.
    Fd take(Kind kind, std::uint64_t id);
    /// Lets go of all that it has left and nobody has taken.
    void drop_rest();

    /// Keeps a copy of the descriptor.
    void keep(Kind kind, std::uint64_t id, int descriptor);
    void drop(Kind kind, std::uint64_t id);
    /// Sees that the holder has what it was given: before this process is gone.
    void flush();
    /// Nothing is to be left to anybody.
    void end();

  private:
    void flush_soon();
    void await_room();
    void lost(const Error& why);

    asio::io_context& io_;
    Children& children_;
    OwnLog& log_;
    std::optional<os::Holder> holder_;
    std::map<std::pair<Kind, std::uint64_t>, Fd> left_;
    asio::posix::stream_descriptor connection_;  // a copy of the holder's
    bool flushing_ = false;
};

}  // namespace reeve::shell
