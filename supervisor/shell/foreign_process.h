#pragma once

#include <functional>
#include <memory>

#include "base/fd.h"
#include "supervisor/os/pidfd.h"
#include "supervisor/shell/asio.h"

namespace reeve::shell {

/// Watches by its pidfd a process that may not be our child, and finds out how it ended: if the
/// process has become our child, or by its zombie, or from the kernel, if it tells, else not at
/// all.
class ForeignProcess {
  public:
    using OnEnd = std::function<void(const os::Ended&)>;

    /// `on_end` is called at most once, from the loop, and not after destruction.
    ForeignProcess(asio::io_context& io, pid_t pid, Fd pidfd, OnEnd on_end);
    ForeignProcess(const ForeignProcess&) = delete;
    ForeignProcess& operator=(const ForeignProcess&) = delete;

    pid_t pid() const { return pid_; }
    void signal(int signal);
    /// Whether it is there, be it as a zombie: then its number is its own.
    bool exists();

  private:
    void ended();
    void reaped();
    void tell(const os::Ended& end);

    pid_t pid_;
    asio::posix::stream_descriptor pidfd_;
    asio::steady_timer patience_;
    OnEnd on_end_;
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace reeve::shell
