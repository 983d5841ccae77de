#pragma once

#include <array>
#include <functional>
#include <memory>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/shell/asio.h"

namespace reeve::shell {

/// The pipe on which a service says that it is ready, with a newline, as s6 has it. Lives as long
/// as it is read.
class ReadyPipe : public std::enable_shared_from_this<ReadyPipe> {
  public:
    /// `told` is called once: with true at the newline, with false when nobody can write it any
    /// more.
    ReadyPipe(asio::io_context& io, std::function<void(bool is_ready)> told);

    /// Begins to read; the end to write to, which must be closed here once the service has it.
    Result<Fd> open();
    void close();

  private:
    void read();

    std::function<void(bool)> told_;
    asio::posix::stream_descriptor reading_;
    std::array<char, 256> chunk_{};
};

}  // namespace reeve::shell
