#include "supervisor/os/runtime_dir.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string_view>
#include <thread>

#include "supervisor/os/directory.h"
#include "supervisor/os/process_entry.h"

namespace reeve::os {
namespace {

/// Makes what is missing of a directory's parents.
Result<> make_parents(const std::string& path) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        const std::string parent = path.substr(0, slash);
        if (mkdir(parent.c_str(), 0755) == 0 || errno == EEXIST) continue;
        // Of one that exists, a read-only file system or a lacking right may be told first.
        const int errnum = errno;
        struct stat status {};
        if (stat(parent.c_str(), &status) != 0) {
            return system_error("cannot make " + parent, errnum);
        }
    }
    return {};
}

std::string_view without_slashes_at_end(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    return path;
}

Error not_ours(const std::string& path, const struct stat& status) {
    return error("cannot use " + path + ": it belongs to user " + std::to_string(status.st_uid));
}

/// So long one that has been killed may take to end, and a child of it to become another program.
constexpr auto patience_with_the_dead = std::chrono::seconds(5);
/// So long one that seems to live: that it has been killed does not show until it has let go of
/// nearly all.
constexpr auto patience_with_the_living = std::chrono::seconds(1);

/// The pid that a lock file names, if it names one.
std::optional<pid_t> holder(int fd) {
    std::array<char, 16> buffer{};
    const ssize_t n = pread(fd, buffer.data(), buffer.size(), 0);
    std::string_view text(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    while (text.ends_with('\n')) text.remove_suffix(1);
    return decimal(text);
}

bool is_dead(pid_t pid) {
    const auto process = read_process(pid);
    return !process || !process->live();
}

/// A child that is about to execute its program shares the descriptors of who has started it. When
/// that one has been killed, the lock is held for as long as this takes.
bool lock(int fd) {
    const auto begin = std::chrono::steady_clock::now();
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return false;
        const auto pid = holder(fd);
        const auto waited = std::chrono::steady_clock::now() - begin;
        const bool dead = pid && is_dead(*pid);
        errno = EWOULDBLOCK;
        if (waited > (dead ? patience_with_the_dead : patience_with_the_living)) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

}  // namespace

Result<> make_private_dir(const std::string& name) {
    const std::string path(without_slashes_at_end(name));
    if (const auto made = make_parents(path); !made) return made.error();
    const bool fresh = mkdir(path.c_str(), 0700) == 0;
    const int errnum = errno;
    const Fd dir(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!dir) {
        const int why = errno;
        if (why == ENOENT) return system_error("cannot make " + path, errnum);
        const bool seen = lstat(path.c_str(), &status) == 0;
        if (seen && S_ISLNK(status.st_mode)) {
            return error("cannot use " + path + ": it is a symbolic link");
        }
        // Somebody else's own folder cannot even be opened.
        if (seen && status.st_uid != geteuid()) return not_ours(path, status);
        return system_error("cannot use " + path, why);
    }
    // The umask may have taken bits away.
    if (fresh && fchmod(dir.get(), 0700) != 0) return system_error("cannot make " + path);
    if (fstat(dir.get(), &status) != 0) return system_error("cannot use " + path);
    if (status.st_uid != geteuid()) return not_ours(path, status);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return error("cannot use " + path + ": others may write to it");
    }
    return {};
}

bool has_no_room(const Error& error) {
    constexpr std::array errnums = {EROFS, ENOSPC, EDQUOT, EACCES, EPERM};
    return error.errnum &&
           std::find(errnums.begin(), errnums.end(), *error.errnum) != errnums.end();
}

Result<Fd> lock_file(const std::string& path) {
    const std::string what = "cannot lock " + path;
    Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!fd) return system_error(what);
    if (!lock(fd.get())) {
        if (errno != EWOULDBLOCK) return system_error(what);
        const auto pid = holder(fd.get());
        return error(what + ": " + (pid ? "process " + std::to_string(*pid) : "another process") +
                     " holds it");
    }
    const std::string pid = std::to_string(getpid()) + "\n";
    if (ftruncate(fd.get(), 0) != 0) return system_error(what);
    // The lock counts; who holds it is for people, and no reason to do without on a full disk.
    if (pwrite(fd.get(), pid.data(), pid.size(), 0) < 0 && errno != ENOSPC && errno != EDQUOT) {
        return system_error(what);
    }
    return fd;
}

Result<bool> is_in_memory(const std::string& path) {
    struct statfs status {};
    if (statfs(path.c_str(), &status) != 0) return system_error("cannot look at " + path);
    return status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC;
}

}  // namespace reeve::os
