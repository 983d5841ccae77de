#pragma once

#include <csignal>

namespace reeve::ctl {

/// While it lives, Ctrl-C ends this program with 130 and a line that says that the supervisor goes
/// on with what it was asked for. Where SIGINT was ignored it stays so.
class InterruptNotice {
  public:
    InterruptNotice();
    InterruptNotice(const InterruptNotice&) = delete;
    InterruptNotice& operator=(const InterruptNotice&) = delete;
    ~InterruptNotice();

  private:
    struct sigaction before_ {};
};

}  // namespace reeve::ctl
