#include "ctl/log_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

namespace reeve::ctl {

namespace {

/// For poll(2), which takes so many milliseconds at most; -1: for ever.
int milliseconds_until(std::optional<WallTime> until) {
    using namespace std::chrono;
    if (!until) return -1;
    const auto left = ceil<milliseconds>(*until - system_clock::now()).count();
    return static_cast<int>(std::clamp<milliseconds::rep>(left, 0, 60'000));
}

}  // namespace

Result<LogWatch> LogWatch::start(const std::string& log_dir,
                                 const std::vector<std::string>& services) {
    Fd fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd) return system_error("cannot watch files");
    LogWatch watch(std::move(fd), log_dir);
    watch.root_ =
        inotify_add_watch(watch.fd_.get(), log_dir.c_str(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
    if (watch.root_ < 0) return system_error("cannot watch " + log_dir);
    for (const std::string& service : services) {
        watch.services_.insert(service);
        watch.watch(service);
    }
    return watch;
}

void LogWatch::watch(const std::string& service) {
    const std::string path = log_dir_ + "/" + service;
    // A folder that is not there is seen in its parent when it comes.
    const int id = inotify_add_watch(fd_.get(), path.c_str(),
                                     IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR);
    if (id >= 0) watched_[id] = service;
}

Result<std::set<std::string>> LogWatch::wait(int out, std::optional<WallTime> until) {
    while (true) {
        // A pipe or socket nobody reads from reports so without being asked for any event.
        std::array<pollfd, 2> wanted = {pollfd{fd_.get(), POLLIN, 0}, pollfd{out, 0, 0}};
        const int ready = poll(wanted.data(), wanted.size(), milliseconds_until(until));
        if (ready < 0) {
            if (errno == EINTR) continue;
            return system_error("cannot wait for files");
        }
        if (until && std::chrono::system_clock::now() >= *until) return std::set<std::string>();
        if ((wanted[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
            return std::set<std::string>();
        }
        auto changed = read_events();
        if (!changed || !changed->empty()) return changed;
    }
}

Result<std::set<std::string>> LogWatch::read_events() {
    std::set<std::string> changed;
    alignas(inotify_event) std::array<char, 16 * 1024> buffer;
    const ssize_t got = read(fd_.get(), buffer.data(), buffer.size());
    if (got < 0) {
        if (errno == EAGAIN || errno == EINTR) return changed;
        return system_error("cannot watch files");
    }
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
        inotify_event event;
        std::memcpy(&event, buffer.data() + at, sizeof event);
        const char* name = buffer.data() + at + sizeof event;
        at += sizeof event + event.len;
        if ((event.mask & IN_Q_OVERFLOW) != 0) {
            // Some were lost, so any of them may have changed.
            for (const std::string& service : services_) watch(service);
            return services_;
        }
        if (event.wd == root_ && event.len > 0 && services_.contains(name)) {
            watch(name);
            changed.insert(name);
        }
        const auto found = watched_.find(event.wd);
        if (found == watched_.end()) continue;
        changed.insert(found->second);
        if ((event.mask & IN_IGNORED) != 0) watched_.erase(found);
    }
    return changed;
}

}  // namespace reeve::ctl
