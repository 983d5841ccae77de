#pragma once

#include <optional>

namespace reeve::init {

/// Init for one command, `reeved [-g] [--rewrite FROM:TO]... [-e CODE]... -- COMMAND [ARG...]`, for
/// PID 1 of a container or any other place. To be called before all else: it takes a process of one
/// thread, starts none, opens nothing but the terminal and writes no file. No code of this room may
/// need an object that is constructed before main(), std::cout and its like among them.
///
/// The command runs in a process group of its own, in the terminal's foreground if that was ours.
/// Every signal is passed on to it, and those that stop a process stop both. Orphans become
/// children here and are reaped, nobody waits for them. It is over when the command is; the result
/// is the exit status: the command's, 128 and the signal's number, 126 not executable, 127 not
/// found, 1 no process could be made, 2 bad usage.
///
/// Nothing where the arguments ask for something else: argv is as main() has it.
std::optional<int> run(int argc, char* const* argv);

}  // namespace reeve::init
