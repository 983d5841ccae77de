#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "supervisor/os/spawn.h"
#include "supervisor/shell/asio.h"
#include "supervisor/shell/containment.h"

namespace reeve::shell {

/// One command beside a service's main process, from its start until nothing of its tree is left:
/// what it leaves behind when it ends is killed.
class Command : public std::enable_shared_from_this<Command> {
  public:
    /// `what` says how it ended when it did not succeed, with its last words where they are ours
    /// to read.
    using Done = std::function<void(bool succeeded, std::string what)>;

    /// `done` is called once, at the very end. It must not destroy the Command, but may post that.
    Command(asio::io_context& io, std::unique_ptr<Containment> tree, Done done);

    /// `captured`: its output is read for its last words and goes nowhere else.
    void start(os::SpawnSpec spec, bool captured);
    /// Kills all of it.
    void kill();

  private:
    void read_output();
    void ended(const ExitStatus& status);
    std::string read_last_words();
    void finish();

    std::unique_ptr<Containment> tree_;
    Done done_;
    bool succeeded_ = false;
    std::string what_;
    asio::posix::stream_descriptor output_;
    std::array<char, 1024> chunk_{};
    std::string tail_;
};

}  // namespace reeve::shell
