#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "supervisor/core/event.h"
#include "supervisor/os/notify_socket.h"
#include "supervisor/shell/asio.h"

namespace reeve::shell {

/// The receiving end of one run's sd_notify(3) messages. A message counts when the kernel says that
/// its sender is alive and of the run's own tree; others, and malformed ones, are dropped and
/// counted.
class NotifyChannel {
  public:
    struct Listener {
        std::function<bool(pid_t)> is_member;
        std::function<void(core::Notified)> notified;  ///< of no run yet
        std::function<void(std::string)> dropped;      ///< why
    };

    static Result<std::unique_ptr<NotifyChannel>> open(asio::io_context& io, Listener listener);

    NotifyChannel(const NotifyChannel&) = delete;
    NotifyChannel& operator=(const NotifyChannel&) = delete;

    /// For NOTIFY_SOCKET.
    const std::string& name() const { return name_; }
    /// Takes in what has come and was not read yet, but no more than `most` messages.
    void read(std::size_t most);

  private:
    NotifyChannel(std::string name, asio::posix::stream_descriptor socket, Listener listener);
    void await();
    void take(const os::NotifyDatagram& datagram);
    void drop(const std::string& why);

    std::string name_;
    asio::posix::stream_descriptor socket_;
    Listener listener_;
    std::uint64_t dropped_ = 0;
};

}  // namespace reeve::shell
