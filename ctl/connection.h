#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::ctl {

/// A stream of lines to and from a Unix socket. Blocks; knows nothing of what the lines mean.
class Connection {
  public:
    using Deadline = std::optional<std::chrono::steady_clock::time_point>;

    /// The errno of a failure is connect(2)'s.
    static Result<Connection> open(const std::string& path);

    /// Who listens there, as the kernel knows it.
    std::optional<uid_t> peer() const;

    Result<void> send(std::string_view bytes);

    /// The next line without its newline; nothing at the end of the stream. ETIMEDOUT when there is
    /// none at the deadline.
    Result<std::optional<std::string>> receive(Deadline deadline);

  private:
    explicit Connection(Fd fd) : fd_(std::move(fd)) {}

    Fd fd_;
    std::string received_;
    std::size_t searched_ = 0;  ///< so many bytes of it hold no newline
};

}  // namespace reeve::ctl
