#include "supervisor/shell/folder_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/fd.h"

namespace reeve::shell {

FolderWatch::FolderWatch(asio::io_context& io, std::function<void()> deleted)
    : deleted_(std::move(deleted)), events_(io) {}

Result<> FolderWatch::begin(std::set<std::string> folders) {
    folders_ = std::move(folders);
    Fd events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!events) return system_error("cannot watch for files that are deleted");
    boost::system::error_code error;
    events_.assign(events.get(), error);
    if (error) return system_error("cannot watch for files that are deleted", error.value());
    (void)events.release();
    await();
    return watch_all();
}

void FolderWatch::end() {
    boost::system::error_code ignored;
    events_.close(ignored);
}

/// Of those that are watched already nothing changes.
Result<> FolderWatch::watch_all() {
    constexpr auto gone = IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    for (const std::string& folder : folders_) {
        if (::inotify_add_watch(events_.native_handle(), folder.c_str(), gone) < 0) {
            return system_error("cannot watch " + folder + " for files that are deleted");
        }
    }
    return {};
}

void FolderWatch::await() {
    events_.async_wait(
        asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
            if (error) return;
            // Whatever was deleted: whether it is needed is seen by looking.
            std::array<char, 4096> events;
            while (::read(events_.native_handle(), events.data(), events.size()) > 0) {
            }
            deleted_();
            (void)watch_all();
            await();
        });
}

}  // namespace reeve::shell
