#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "supervisor/os/program.h"
#include "supervisor/shell/command.h"

namespace reeve::shell {

/// What the dry run of a program that could take over begins its word with, if it can.
inline constexpr const char* can_take_over = "can take over: ";

/// Tries a program out before it takes the place of ours: it is run with our arguments and has to
/// show that it understands them, the configuration, and what we have written down.
class Trial {
  public:
    /// Why it cannot take over; nothing if it can. A sentence of its own about that.
    using Done = std::function<void(Result<std::string>)>;

    explicit Trial(asio::io_context& io) : io_(io), patience_(io) {}

    /// `tree` is for its process. `done` is called once, later, unless this is destroyed.
    void begin(const std::string& path, const os::Program& own, std::unique_ptr<Containment> tree,
               Done done);

  private:
    void ended(const std::string& path, const probes::Answer& answer);

    asio::io_context& io_;
    asio::steady_timer patience_;
    std::shared_ptr<Command> command_;
    Fd output_;
    bool too_slow_ = false;
    Done done_;
};

}  // namespace reeve::shell
