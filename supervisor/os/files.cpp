#include "supervisor/os/files.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace reeve::os {

Result<std::string> read_file(const std::string& path, std::size_t max, bool trusted) {
    const std::string what = "cannot read " + path;
    const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return system_error(what);
    struct stat status {};
    if (fstat(fd.get(), &status) != 0) return system_error(what);
    if (S_ISDIR(status.st_mode)) return system_error(what, EISDIR);
    if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode)) return error(what + ": not a file");
    // Its owner can always make it writable.
    const bool owned = status.st_uid == 0 || status.st_uid == geteuid();
    if (trusted && (!owned || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
        return error(what + " for a command of root: others than root can write it");
    }

    constexpr std::size_t kChunk = 16'384;
    std::string content;
    std::size_t used = 0;
    for (;;) {
        content.resize(used + kChunk);
        const ssize_t n = read(fd.get(), content.data() + used, kChunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error(what);
        used += static_cast<std::size_t>(n);
        if (used > max) return error(what + ": larger than " + std::to_string(max) + " bytes");
        if (n == 0) break;
    }
    content.resize(used);
    return content;
}

Result<> write_all(int fd, std::string_view data) {
    while (!data.empty()) {
        const ssize_t n = write(fd, data.data(), data.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_error("cannot write");
        data.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == path.npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

bool is_open_at(int fd, const std::string& path) {
    struct stat open {
    }, there{};
    return fstat(fd, &open) == 0 && lstat(path.c_str(), &there) == 0 &&
           open.st_dev == there.st_dev && open.st_ino == there.st_ino;
}

Result<Fd> put_back(int deleted, const std::string& path) {
    const std::string aside = path + ".new";
    const auto failed = [&] {
        const int errnum = errno;
        unlink(aside.c_str());
        return system_error(path + " was deleted, and cannot be put back", errnum);
    };
    unlink(aside.c_str());
    Fd copy(open(aside.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!copy) return failed();
    constexpr std::size_t at_once = 1 << 20;
    off_t offset = 0;
    for (;;) {
        const ssize_t n = sendfile(copy.get(), deleted, &offset, at_once);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed();
        if (n == 0) break;
    }
    if (rename(aside.c_str(), path.c_str()) != 0) return failed();
    return copy;
}

}  // namespace reeve::os
