#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/core/event.h"
#include "supervisor/os/notify_socket.h"
#include "supervisor/shell/asio.h"

namespace reeve::shell {

/// The receiving end of one run's sd_notify(3) messages. A message counts when the kernel says that
/// its sender is of the run's own tree; others, and malformed ones, are dropped and counted.
///
/// Many a sender has ended when its message is read. Where the run has a cgroup and the kernel
/// keeps an ended process's, that decides. Elsewhere it is believed if it was root or the service's
/// own user, who could as well have made a process of the service send it.
class NotifyChannel {
  public:
    struct Listener {
        uid_t user = 0;                        ///< the service's own
        std::function<bool(pid_t)> is_member;  ///< zombies, too
        /// The number of the run's own cgroup (cgroup_of(), pidfd.h), if it has one.
        std::function<std::optional<std::uint64_t>()> cgroup;
        std::function<void(core::Notified)> notified;  ///< of no run yet
        std::function<void(pid_t)> main_named;         ///< by MAINPID=
        std::function<void(Fd)> barrier;               ///< to be closed when all before is handled
        std::function<void(std::string)> dropped;      ///< why
    };

    static Result<std::unique_ptr<NotifyChannel>> open(asio::io_context& io,
                                                       os::NotifySocket socket, Listener listener);

    NotifyChannel(const NotifyChannel&) = delete;
    NotifyChannel& operator=(const NotifyChannel&) = delete;

    /// For NOTIFY_SOCKET.
    const std::string& name() const { return name_; }
    int descriptor() { return socket_.native_handle(); }
    /// Takes in what has come and was not read yet, but no more than `most` messages.
    void read(std::size_t most);

  private:
    NotifyChannel(std::string name, asio::posix::stream_descriptor socket, Listener listener);
    void await();
    void take(os::NotifyDatagram datagram);
    bool is_from_service(const os::NotifyDatagram& datagram) const;
    void drop(const std::string& why);

    std::string name_;
    asio::posix::stream_descriptor socket_;
    Listener listener_;
    std::uint64_t dropped_ = 0;
};

}  // namespace reeve::shell
