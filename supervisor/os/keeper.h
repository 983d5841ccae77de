#pragma once

#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/os/pidfd.h"

/// Keepers: tiny processes that are the subreapers of one process tree each (keeper/keeper.cpp). A
/// keeper is our child; the tree's first process is its child. It ends by itself, with status 0,
/// once it has no children left and its last report has been read, which it awaits for a minute.
namespace reeve::os {

/// The keeper's program, in memory; for SpawnSpec. Fails where the system does not let programs be
/// executed from there, or on an architecture that has none.
Result<Fd> make_keeper_image();

/// The pipe that a keeper reports to: reading never waits. What a keeper writes stays in it though
/// nobody reads; the keeper is a reader itself, so the pipe ends with the keeper alone.
struct KeeperPipe {
    Fd reading;
    Fd writing;
};
Result<KeeperPipe> make_keeper_pipe();

/// The end of one of the keeper's children.
struct KeeperReport {
    Ended end;
    bool last = false;  ///< nothing is left in the tree, and the keeper ends
};
/// What it has reported and was not read yet, in order.
struct KeeperReports {
    std::vector<KeeperReport> list;
    bool over = false;  ///< the keeper has ended
};
KeeperReports read_reports(int pipe);

/// The reading end of the pipe of a keeper that somebody else has made; errno EAGAIN when it has
/// not executed its program yet. The caller knows that the process is a keeper.
Result<Fd> open_reports_of(pid_t keeper);

}  // namespace reeve::os
