#include "supervisor/os/pid_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "base/fd.h"
#include "supervisor/os/directory.h"
#include "supervisor/os/files.h"
#include "supervisor/os/process_entry.h"

namespace reeve::os {
namespace {

/// The number in a PID file, 0 in an empty one, as one that a full disk has left.
Result<pid_t> named_by(const std::string& path) {
    constexpr std::size_t kMost = 64;
    const Error not_one = error("cannot use " + path + " as a PID file: it is something else");
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0) return system_error("cannot look at " + path);
    if (!S_ISREG(status.st_mode)) return not_one;
    const auto content = read_file(path, kMost);
    if (!content) return content.error().errnum ? content.error() : not_one;
    std::string_view text = *content;
    while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
    if (text.empty()) return 0;
    const auto pid = decimal(text);
    return pid ? Result<pid_t>(*pid) : not_one;
}

/// Whether a process of our program lives there. Numbers are used again, also for ourselves.
bool is_one_of_us(pid_t pid) {
    if (pid <= 0 || pid == getpid()) return false;
    const auto other = read_process(pid);
    const auto own = read_process(getpid());
    return other && own && other->live() && other->comm == own->comm;
}

}  // namespace

Result<PidFile> PidFile::write(std::string path) {
    const std::string what = "cannot write the PID file " + path;
    const auto named = named_by(path);
    if (!named && named.error().errnum != ENOENT) return named.error();
    if (named && is_one_of_us(*named)) {
        return error(what + ": it names process " + std::to_string(*named) + ", which is running");
    }
    const std::string fresh = path + ".new";
    ::unlink(fresh.c_str());
    const Fd fd(open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return system_error(what);
    const auto written = write_all(fd.get(), std::to_string(getpid()) + "\n");
    int errnum = written ? 0 : *written.error().errnum;
    // Readable once it is whole, whatever the umask.
    if (errnum == 0 && (fchmod(fd.get(), 0644) != 0 || rename(fresh.c_str(), path.c_str()) != 0)) {
        errnum = errno;
    }
    if (errnum == 0) return PidFile(std::move(path));
    ::unlink(fresh.c_str());
    return system_error(what, errnum);
}

PidFile::~PidFile() {
    if (path_.empty()) return;
    const auto named = named_by(path_);
    if (named && *named == getpid()) ::unlink(path_.c_str());
}

}  // namespace reeve::os
