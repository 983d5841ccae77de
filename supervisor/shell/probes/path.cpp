#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/result.h"
#include "supervisor/shell/probes/probes.h"

namespace reeve::shell::probes {

// Made: the time of birth, which a copy cannot carry over from what it was copied from. Changed:
// the time of the last change of its content. The time of the last change of its status would be
// that of a `chown -R` in a pre_start, which must not make an old file a new one; it counts only
// where the file system keeps no time of birth, and a file that was copied with its times would
// else never be new.
Answer look(const config::PathCheck& check, const os::StartMark& start) {
    struct statx found {};
    if (::statx(AT_FDCWD, check.path.c_str(), AT_STATX_SYNC_AS_STAT,
                STATX_MTIME | STATX_CTIME | STATX_BTIME, &found) != 0) {
        return {false, Error::strerrordesc(errno)};
    }
    const bool has_birth = (found.stx_mask & STATX_BTIME) != 0;
    const auto& made = has_birth ? found.stx_btime : found.stx_ctime;
    const auto is_new = [&](const statx_timestamp& time) {
        return !start.is_after({time.tv_sec, static_cast<long>(time.tv_nsec)});
    };
    if (is_new(made) || is_new(found.stx_mtime)) return {true, ""};
    return {false, "it is older than this start"};
}

}  // namespace reeve::shell::probes
