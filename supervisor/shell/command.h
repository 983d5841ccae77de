#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>

#include "config/plan.h"
#include "supervisor/os/spawn.h"
#include "supervisor/shell/asio.h"
#include "supervisor/shell/containment.h"
#include "supervisor/shell/probes/probes.h"

namespace reeve::shell {

/// One command beside a service's main process, from its start until nothing of its tree is left:
/// what it leaves behind when it ends is killed.
class Command : public std::enable_shared_from_this<Command> {
  public:
    /// What came of it: how it ended when it did not succeed, with its last words where they are
    /// ours to read.
    using Done = std::function<void(probes::Answer)>;

    /// `done` is called once, at the very end. It must not destroy the Command, but may post that.
    Command(asio::io_context& io, std::unique_ptr<Containment> tree, Done done);

    /// `captured`: its output is read for its last words and goes nowhere else. False: it could not
    /// be started.
    bool start(os::SpawnSpec spec, bool captured);
    /// Takes over one that a predecessor has started, or ends what it has left. False: there is
    /// nothing.
    bool resume(const state::Tree& tree, bool captured);
    /// Whether what it comes to can be found out, once it was resumed.
    bool has_outcome() const { return tree_->record().main.pid != 0 && !tree_->has_lost_end(); }
    /// Where a successor finds it.
    state::Tree tree() const { return tree_->record(); }
    /// Asks all of it to end, by SIGTERM, unless that has been done, and kills what is left so long
    /// from now.
    void end(Duration patience);
    /// Kills all of it.
    void kill();

  private:
    Result<Fd> open_output();
    void watch_output(Fd reading);
    void read_output();
    void ended(const ExitStatus& status);
    std::string read_last_words();
    void finish();

    std::unique_ptr<Containment> tree_;
    bool asked_to_end_ = false;
    asio::steady_timer patience_end_;
    Done done_;
    probes::Answer answer_;
    asio::posix::stream_descriptor output_;
    std::array<char, 1024> chunk_{};
    std::string tail_;
};

}  // namespace reeve::shell
