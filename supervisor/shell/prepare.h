#pragma once

#include <csignal>
#include <memory>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/shell/command_line.h"
#include "supervisor/shell/environment.h"
#include "supervisor/shell/own_log.h"
#include "supervisor/shell/supervisor.h"

namespace reeve::shell {

/// What a supervisor has before it does anything: a valid configuration, a log of its own, and its
/// places.
struct Prepared {
    Setup setup;
    std::unique_ptr<OwnLog> log;
    Fd lock;  ///< who holds it holds the runtime directory; none if no directory could be had
};

/// What another program of this process had.
struct Former {
    std::string runtime_dir;  ///< empty: there was none
    Fd lock;                  ///< on it; none: it has let go
};

/// Reads the configuration, says on stderr what is wrong with it, and takes the places. Where it is
/// not valid and there is a predecessor to be taken over from, it is by that one's. Does without
/// places that nobody asked for by name and that no file system will take, and says so.
Result<Prepared> prepare(const Options& options, const Environment& environment,
                         const sigset_t& signals, Former former = {});

/// Says whether this program could take over from the supervisor whose runtime directory the
/// options name, and returns the exit status. Changes nothing.
int can_resume(const Options& options, const Environment& environment);

/// Validates the configuration, says what is wrong with it, and returns the exit status.
int check(const Options& options, const Environment& environment);

}  // namespace reeve::shell
