#pragma once

#include <string_view>
#include <utility>
#include <variant>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::os {

/// A daemon's way to the process that the user has called, which waits to hear how the start went.
/// That process may be gone; nobody else notices.
class Caller {
  public:
    /// By the descriptor that another program of this process has had.
    explicit Caller(Fd pipe) : pipe_(std::move(pipe)) {}

    enum class Then { GoOn, End };
    /// The last word: what the caller shall say on its stderr, whole lines, and its exit status.
    /// It returns at once, or when this process has ended. Never waits.
    void tell(int status, std::string_view text, Then then);

    int fd() const { return pipe_.get(); }

  private:
    Fd pipe_;
};

/// Becomes a SysV daemon as daemon(7) has it: only 0, 1 and 2 are open, the first two on nothing; a
/// session of its own without a terminal, whose leader has gone; umask 0; in `/`. Signals are left
/// to become_supervisor(), and stderr stays the caller's for what goes wrong on the way, until
/// close_off_stderr(). To be called while there is one thread.
///
/// Returns in the daemon, with its Caller. In the process that was called it returns when the
/// daemon has told how it went, with the exit status, or has ended without a word of it: status 1
/// when it ended by itself, having said why, else the error.
Result<std::variant<Caller, int>> daemonize();

/// The last step of a daemon: nothing of it or of its children reaches the caller's stderr any
/// more.
Result<> close_off_stderr();

}  // namespace reeve::os
