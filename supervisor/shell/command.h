#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "supervisor/os/spawn.h"
#include "supervisor/shell/asio.h"
#include "supervisor/shell/children.h"

namespace reeve::shell {

/// One command beside a service's main process, from its start to its end and that of its process
/// group. Lives as long as something of it is under way.
class Command : public std::enable_shared_from_this<Command> {
  public:
    /// `what` says how it ended when it did not succeed, with its last words where they are ours
    /// to read.
    using Done = std::function<void(bool succeeded, std::string what)>;

    Command(asio::io_context& io, Children& children, Done done);

    /// `captured`: its output is read for its last words and goes nowhere else. `done` is called
    /// once, possibly at once, unless it is cancelled before.
    void start(os::Spawner& spawner, os::SpawnSpec spec, bool captured);
    /// Ends it, and whatever is in its process group.
    void cancel();

  private:
    void read_output();
    void ended(const ExitStatus& status);
    void finish(bool succeeded, std::string what);

    Children& children_;
    Done done_;  // none once it has been called or nobody waits for it
    pid_t pid_ = 0;
    asio::posix::stream_descriptor output_;
    std::array<char, 1024> chunk_{};
    std::string tail_;
};

}  // namespace reeve::shell
