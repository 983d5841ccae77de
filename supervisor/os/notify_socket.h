#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::os {

/// One datagram and who sent it, in the kernel's word (root may name another process than itself,
/// which systemd-notify(1) does); pid is 0 for a sender that our PID namespace does not know.
struct NotifyDatagram {
    std::string payload;
    bool malformed = false;  ///< too long: the payload is cut off
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    Fd pidfd{};                     ///< of that process; none before Linux 6.5
    std::vector<Fd> descriptors{};  ///< came along
};

/// The receiving end of sd_notify(3), for all services together. Its name is abstract: no file, so
/// it can be reached under any identity, and from anybody: whom to believe is the reader's
/// business.
class NotifySocket {
  public:
    static constexpr std::size_t kMaxPayload = 64 * 1024;

    /// One of a name that nobody has.
    static Result<NotifySocket> open();
    /// One of the name that a predecessor's had. Fails while somebody has it.
    static Result<NotifySocket> open(const std::string& name);
    /// One that this process has opened before it executed this program.
    NotifySocket(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

    int fd() const { return fd_.get(); }               ///< non-blocking
    const std::string& name() const { return name_; }  ///< as NOTIFY_SOCKET has it: "@00abc"

    /// Hands the descriptor to an event loop, to be passed to receive().
    [[nodiscard]] int release() { return fd_.release(); }

    /// The next datagram, if one is waiting.
    static std::optional<NotifyDatagram> receive(int fd);

  private:
    static Result<NotifySocket> open(sockaddr_un address, socklen_t length);

    Fd fd_;
    std::string name_;
};

}  // namespace reeve::os
