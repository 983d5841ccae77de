#include "supervisor/os/path_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <string_view>

namespace reeve::os {
namespace {

// Some daemons keep their file open, and others write it elsewhere and move it in.
constexpr std::uint32_t kEvents = IN_CREATE | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB |
                                  IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ONLYDIR;

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

/// The step of a path that follows a folder above it.
std::string step_after(const std::string& folder, const std::string& path) {
    const std::size_t start = folder == "/" ? 1 : folder.size() + 1;
    return path.substr(start, path.find('/', start) - start);
}

bool exists(const std::string& path) {
    struct stat status {};
    return lstat(path.c_str(), &status) == 0;
}

}  // namespace

Result<PathWatch> PathWatch::open(std::string path) {
    Fd fd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!fd) return system_error("cannot watch " + path);
    // Steps are told apart by single slashes.
    std::string plain;
    for (const char c : path) {
        if (c != '/' || !plain.ends_with('/')) plain += c;
    }
    return PathWatch(std::move(fd), std::move(plain));
}

int PathWatch::release() { return fd_.release(); }

int PathWatch::watch_nearest(std::string& folder) const {
    for (folder = parent_of(path_);; folder = parent_of(folder)) {
        const int watch = inotify_add_watch(number_, folder.c_str(), kEvents);
        if (watch >= 0 || folder == "/") return watch;
    }
}

bool PathWatch::follow() {
    std::string before, folder;
    do {
        before = folder;
        const int watch = watch_nearest(folder);
        if (watch != watch_ && watch_ >= 0) inotify_rm_watch(number_, watch_);
        watch_ = watch;
        if (watch < 0) return false;
        next_ = step_after(folder, path_);
        if (folder == parent_of(path_)) return true;
        // What has come to be since we looked for it will not be told any more.
        if (!exists(folder == "/" ? "/" + next_ : folder + "/" + next_)) return true;
    } while (folder != before);
    return false;
}

bool PathWatch::drain() const {
    bool matters = false;
    alignas(inotify_event) char buffer[8 * (sizeof(inotify_event) + NAME_MAX + 1)];
    for (ssize_t n; (n = read(number_, buffer, sizeof buffer)) > 0;) {
        for (ssize_t at = 0; at < n;) {
            inotify_event event{};
            std::memcpy(&event, buffer + at, sizeof event);
            const char* const name = buffer + at + sizeof event;
            // Without a name it is of the folder itself, or tells that others were lost.
            matters = matters || event.len == 0 || std::string_view(name) == next_;
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
    }
    return matters;
}

}  // namespace reeve::os
