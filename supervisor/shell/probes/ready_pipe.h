#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/shell/asio.h"

namespace reeve::shell {

/// The pipe on which a service says that it is ready, with a newline, as s6 has it. Lives as long
/// as it is read. It is a FIFO where there is a place for one: a successor of this process reads
/// on, and until then the service, which can read from its end too, does not write into nowhere.
class ReadyPipe : public std::enable_shared_from_this<ReadyPipe> {
  public:
    /// `told` is called once: with true at the newline, with false when nobody can write it any
    /// more.
    ReadyPipe(asio::io_context& io, std::string path, std::function<void(bool is_ready)> told);

    /// Begins to read; the end to write to, which must be closed here once the service has it.
    Result<Fd> open();
    /// Goes on with one that a predecessor has opened. When its other end was closed meanwhile,
    /// that was to say that the service is ready, unless the pipe was `held` by somebody: then what
    /// it said is in there.
    Result<> reopen(Fd held);
    /// The end to read from; -1: there is none.
    int descriptor() { return reading_.is_open() ? reading_.native_handle() : -1; }
    /// The service has no more to say.
    void close();
    const std::string& path() const { return path_; }

  private:
    Result<Fd> open_fifo();
    Result<Fd> open_anonymous();
    Result<> watch(Fd reading);
    void read();

    std::string path_;  // empty: it has no name
    std::function<void(bool)> told_;
    asio::posix::stream_descriptor reading_;
    std::array<char, 256> chunk_{};
};

}  // namespace reeve::shell
