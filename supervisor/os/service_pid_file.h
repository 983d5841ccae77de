#pragma once

#include <sys/types.h>

#include <string>
#include <variant>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/os/start_mark.h"

/// PID files that services write. Whoever owns the folder of one decides what is in there, and may
/// change it while we look: so nothing of that name but a small regular file is ever read or
/// removed, symbolic links on the way are followed only where root or the supervisor's own user
/// made them, and nothing that was read but a number goes any further.
namespace reeve::os {

/// Opens a file of any kind to read it, without waiting; O_NONBLOCK is set. Fails with ELOOP at a
/// symbolic link, also one in its place, that neither root nor the supervisor's own user made.
Fd open_by_trusted_links(const std::string& path);

/// The number in a PID file.
struct NamedPid {
    pid_t pid = 0;
};
/// Why it has none yet, for people: "does not exist yet", "is empty", "is older than this start".
struct NotYet {
    std::string why;
};

/// What a service's PID file says, if it was written after `start`: one number with blanks and
/// newlines around it.
std::variant<NamedPid, NotYet> read_service_pid_file(const std::string& path,
                                                     const StartMark& start);

/// Removes what an earlier instance has left; that nothing is there is no error. What is not a
/// regular file, or holds anything but a number, is left alone, which is an error.
Result<> remove_service_pid_file(const std::string& path);

/// Removes it if it still names this process, which has ended.
void remove_service_pid_file_of(const std::string& path, pid_t pid);

}  // namespace reeve::os
