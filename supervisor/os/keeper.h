#pragma once

#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/os/pidfd.h"

/// Keepers: tiny processes that are the subreapers of one process tree each (keeper/keeper.cpp). A
/// keeper is our child; the tree's first process is its child. It ends by itself, with status 0,
/// once it has no children left.
namespace reeve::os {

/// The keeper's program, in memory; for SpawnSpec. Fails where the system does not let programs be
/// executed from there, or on an architecture that has none.
Result<Fd> make_keeper_image();

/// The pipe that a keeper reports to: reading never waits.
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
std::vector<KeeperReport> read_reports(int pipe);

}  // namespace reeve::os
