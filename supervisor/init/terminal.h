#pragma once

#include <sys/types.h>

#include "base/fd.h"

namespace reeve::init {

/// The controlling terminal, if there is one, and who is in its foreground. Made before the command
/// is started; SIGTTOU is to be blocked. Never takes the terminal from anybody but the command.
class Terminal {
  public:
    static Terminal open();

    /// Whether this process is in the foreground.
    bool is_ours() const;
    /// Whether this process group is in the foreground.
    bool is_of(pid_t group) const;
    /// To be called in the command, before it is executed.
    void take() const;
    /// Gives the foreground to the command's group where it is ours.
    void hand_on(pid_t command) const;
    /// Takes it back from the command, so that whoever comes after us in our group can read.
    void take_back(pid_t command) const;

    explicit operator bool() const { return static_cast<bool>(fd_); }
    int fd() const { return fd_.get(); }

  private:
    Fd fd_;
};

}  // namespace reeve::init
