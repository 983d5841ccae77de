#include "ctl/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace reeve::ctl {

Result<Fd> open_to_read(const std::string& path) {
    // Not to hang on a FIFO that somebody put there.
    Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return system_error("cannot read " + path);
    return fd;
}

Result<std::size_t> read_file(int fd, std::uint64_t offset, char* into, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = pread(fd, into + done, size - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error("cannot read a log file");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

Result<std::uint64_t> size_of_file(int fd) {
    struct stat status {};
    if (fstat(fd, &status) != 0) return system_error("cannot look at a log file");
    return static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0));
}

}  // namespace reeve::ctl
