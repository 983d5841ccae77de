#pragma once

#include <csignal>

namespace reeve::ctl {

/// While it lives, Ctrl-C says that this program waits no longer before it ends it, by the signal,
/// so that a shell ends its loop as well. Where SIGINT was ignored it stays so.
class InterruptNotice {
  public:
    /// Whether the supervisor goes on with what it was asked for, which is said then.
    enum class Of { Question, Command };

    explicit InterruptNotice(Of of = Of::Question);
    InterruptNotice(const InterruptNotice&) = delete;
    InterruptNotice& operator=(const InterruptNotice&) = delete;
    ~InterruptNotice();

  private:
    struct sigaction before_ {};
};

}  // namespace reeve::ctl
