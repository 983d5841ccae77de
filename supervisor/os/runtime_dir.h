#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::os {

/// Makes a directory for us alone (0700), its parents as needed (0755). One that is there already
/// must be ours, no symbolic link, and not writable by others.
Result<> make_private_dir(const std::string& path);

/// Whether that is what a file system says which takes nothing: read-only, full or not for us.
bool has_no_room(const Error& error);

/// Locks a file that holds the locker's pid, for as long as the result is open. The error names the
/// process that holds it.
Result<Fd> lock_file(const std::string& path);

/// Locks another file at the path, if the one that `locked` is open on was deleted; that number is
/// of the other one then, and true is returned. Fails when somebody else has been there first.
Result<bool> restore_lock(const std::string& path, int locked);

}  // namespace reeve::os
