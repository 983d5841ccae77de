#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::ctl {

/// One file of a service's log, as large as it was when it was looked at.
struct LogSegment {
    std::string path;
    ino_t inode = 0;
    std::uint64_t size = 0;
};

/// A service's log at one moment: the rotated files, oldest first, and `current` as the last. No
/// file is in it twice and none in between is missing, whatever was rotated while it was made.
struct LogFolder {
    std::vector<LogSegment> segments;
    Fd current;                  ///< the last segment, open; none when there is no such file yet
    std::size_t compressed = 0;  ///< rotated files that are left out because they are compressed
};

/// The errno of a failure says whether the folder is missing or closed to the caller.
Result<LogFolder> open_log_folder(const std::string& path);

/// Opens a file to be read. ENOENT is a file that was deleted meanwhile.
Result<Fd> open_to_read(const std::string& path);

/// Reads from an offset on; fewer bytes than asked for only at the end of the file.
Result<std::size_t> read_at(int fd, std::uint64_t offset, char* into, std::size_t size);

/// The names of the services that have a folder in LOG_DIR, in order.
Result<std::vector<std::string>> services_with_logs(const std::string& log_dir);

}  // namespace reeve::ctl
