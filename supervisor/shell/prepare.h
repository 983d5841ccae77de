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

/// Reads the configuration, says on stderr what is wrong with it, and takes the places. Does
/// without those that nobody asked for by name and that no file system will take, and says so.
/// `lock`: that on the runtime directory, if this process has it already.
Result<Prepared> prepare(const Options& options, const Environment& environment,
                         const sigset_t& signals, Fd lock = {});

/// Says whether this program could take over from the supervisor whose runtime directory the
/// options name, and returns the exit status. Changes nothing.
int can_resume(const Options& options, const Environment& environment);

/// Validates the configuration, says what is wrong with it, and returns the exit status.
int check(const Options& options, const Environment& environment);

}  // namespace reeve::shell
