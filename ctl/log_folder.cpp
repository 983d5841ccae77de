#include "ctl/log_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace reeve::ctl {

namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const { closedir(directory); }
};

Result<std::vector<std::string>> names_in(const std::string& path) {
    const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
    if (!directory) return system_error("cannot read " + path);
    std::vector<std::string> names;
    // Each reader has a DIR of its own, which is all that readdir(3) asks of threads.
    while (const dirent* entry = readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe)
        if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::uint64_t size_of(const struct stat& status) {
    return static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0));
}

/// The rotated files among the names. Names sort by time.
void add_rotated(LogFolder& folder, const std::string& path,
                 const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (!name.starts_with('@')) continue;
        if (name.ends_with(".zst")) ++folder.compressed;
        if (!name.ends_with(".log")) continue;
        struct stat status {};
        const std::string file = path + "/" + name;
        if (stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
        folder.segments.push_back({file, status.st_ino, size_of(status)});
    }
}

}  // namespace

Result<Fd> open_to_read(const std::string& path) {
    // Not to hang on a FIFO that somebody put there.
    Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return system_error("cannot read " + path);
    return fd;
}

Result<std::size_t> read_at(int fd, std::uint64_t offset, char* into, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = pread(fd, into + done, size - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error("cannot read");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

Result<LogFolder> open_log_folder(const std::string& path) {
    while (true) {
        LogFolder folder;
        const std::string file = path + "/current";
        struct stat status {};
        auto current = open_to_read(file);
        if (!current && current.error().errnum != ENOENT) return current.error();
        if (current && fstat(current->get(), &status) != 0) {
            return system_error("cannot read " + file);
        }
        const auto names = names_in(path);
        if (!names) return names.error();
        add_rotated(folder, path, *names);
        if (!current) return folder;
        // Rotated since it was opened: then others may have been as well, so look again.
        const bool rotated =
            std::any_of(folder.segments.begin(), folder.segments.end(),
                        [&](const LogSegment& s) { return s.inode == status.st_ino; });
        if (rotated) continue;
        folder.segments.push_back({file, status.st_ino, size_of(status)});
        folder.current = std::move(*current);
        return folder;
    }
}

Result<std::vector<std::string>> services_with_logs(const std::string& log_dir) {
    auto names = names_in(log_dir);
    if (!names) return names.error();
    std::erase_if(*names, [&](const std::string& name) {
        struct stat status {};
        return stat((log_dir + "/" + name).c_str(), &status) != 0 || !S_ISDIR(status.st_mode);
    });
    return names;
}

}  // namespace reeve::ctl
