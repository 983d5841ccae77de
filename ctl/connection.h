#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::ctl {

/// A stream of lines to and from a Unix socket. Blocks, though never longer than it may; knows
/// nothing of what the lines mean.
class Connection {
  public:
    using Deadline = std::optional<std::chrono::steady_clock::time_point>;

    /// The errno of a failure is connect(2)'s; ETIMEDOUT when whoever listens takes nobody in.
    static Result<Connection> open(const std::string& path, Duration patience);

    /// Who listens there, as the kernel knows it.
    std::optional<uid_t> peer() const;
    /// The pid of the supervisor, if it has died: connections wait for its successor then.
    std::optional<pid_t> dead_peer() const;

    /// ETIMEDOUT when not all of it is taken by the deadline.
    Result<void> send(std::string_view bytes, Deadline deadline);

    /// The next line without its newline; nothing at the end of the stream. ETIMEDOUT when there is
    /// none at the deadline.
    Result<std::optional<std::string>> receive(Deadline deadline);

    /// The same for who passes on what it receives: EPIPE as soon as whoever reads from `out` has
    /// gone, also while nothing is received.
    Result<std::optional<std::string>> receive_for(int out);

    /// Whether there is a line to be had without waiting.
    bool holds_line() const { return received_.find('\n', searched_) != std::string::npos; }

  private:
    explicit Connection(Fd fd) : fd_(std::move(fd)) {}

    std::optional<std::string> take_line();
    Result<bool> read_piece();

    Fd fd_;
    std::string received_;
    std::size_t searched_ = 0;  ///< so many bytes of it hold no newline
};

}  // namespace reeve::ctl
