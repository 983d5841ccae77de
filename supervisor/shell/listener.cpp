#include "supervisor/shell/listener.h"

#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <utility>

#include "base/fd.h"
#include "supervisor/os/runtime_dir.h"

namespace reeve::shell {

namespace {

using Local = asio::local::stream_protocol;

/// Hundreds may come at once.
constexpr int backlog = 512;

/// Removes the socket of a supervisor that is dead; the errno, if what is there is not that.
int make_way(const std::string& path, const sockaddr* address, socklen_t size) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return errno == ENOENT ? 0 : errno;
    if (!S_ISSOCK(status.st_mode)) return EEXIST;
    const Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!client) return errno;
    if (::connect(client.get(), address, size) == 0 || errno == EAGAIN) return EADDRINUSE;
    return ::unlink(path.c_str()) == 0 ? 0 : errno;
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
}

}  // namespace

Listener::Listener(asio::io_context& io, OwnLog& log, std::function<void(Socket)> on_client,
                   std::function<void(int)> listening)
    : io_(io),
      log_(log),
      on_client_(std::move(on_client)),
      listening_(std::move(listening)),
      acceptor_(io),
      folder_watch_(io),
      retry_(io) {}

Listener::~Listener() { close(); }

std::string Listener::path_of(int socket) {
    sockaddr_un address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
    const std::size_t room = std::min<std::size_t>(size, sizeof address);
    constexpr std::size_t begin = offsetof(sockaddr_un, sun_path);
    return room <= begin ? ""
                         : std::string(address.sun_path, ::strnlen(address.sun_path, room - begin));
}

Result<> Listener::listen(const std::string& path, const Permissions& permissions) {
    path_ = path;
    permissions_ = permissions;
    auto listening = bind_and_listen();
    if (listening) watch_folder();
    return listening;
}

Result<> Listener::go_on(const std::string& path, const Permissions& permissions, Fd listening) {
    struct stat status {};
    // Somebody may have put it elsewhere meanwhile.
    if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return listen(path, permissions);
    }
    path_ = path;
    permissions_ = permissions;
    device_ = status.st_dev;
    inode_ = status.st_ino;
    boost::system::error_code error;
    acceptor_.assign(Local(), listening.get(), error);
    if (error) return system_error("cannot listen on " + path, error.value());
    // Who connects is told by the kernel that it is us who listens now.
    (void)::listen(listening.release(), backlog);
    listening_(acceptor_.native_handle());
    accept();
    watch_folder();
    return apply_permissions();
}

Result<> Listener::bind_and_listen() {
    const auto cannot = [&](int errnum) {
        return system_error("cannot listen on " + path_, errnum);
    };
    sockaddr_un address{};
    if (path_.size() >= sizeof address.sun_path) return cannot(ENAMETOOLONG);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return cannot(errno);
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
    if (const int errnum = make_way(path_, generic, sizeof address)) return cannot(errnum);
    // Nobody connects before the mode and the group are what they shall be: the file is made with
    // the socket's own mode. (The umask would be that of the log thread, too.)
    if (::fchmod(socket.get(), 0) != 0 || ::bind(socket.get(), generic, sizeof address) != 0) {
        return cannot(errno);
    }
    struct stat status {};
    boost::system::error_code error;
    const auto permitted = apply_permissions();
    if (!permitted) {
        error.assign(permitted.error().errnum.value_or(EPERM), boost::system::system_category());
    } else if (::lstat(path_.c_str(), &status) != 0 || ::listen(socket.get(), backlog) != 0) {
        error.assign(errno, boost::system::system_category());
    } else {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        retry_.cancel();
        acceptor_.assign(Local(), socket.get(), error);
    }
    if (error) {
        ::unlink(path_.c_str());
        return cannot(error.value());
    }
    (void)socket.release();
    device_ = status.st_dev;
    inode_ = status.st_ino;
    listening_(acceptor_.native_handle());
    accept();
    return {};
}

Result<> Listener::apply_permissions() const {
    const bool owned = !permissions_.group ||
                       ::chown(path_.c_str(), static_cast<uid_t>(-1), *permissions_.group) == 0;
    if (owned && ::chmod(path_.c_str(), permissions_.mode) == 0) return {};
    return system_error("cannot set the permissions of " + path_);
}

Result<> Listener::change(const Permissions& permissions) {
    if (path_.empty() || permissions == permissions_) return {};
    permissions_ = permissions;
    return apply_permissions();
}

void Listener::close() {
    if (is_in_place()) ::unlink(path_.c_str());
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    folder_watch_.close(ignored);
    retry_.cancel();
}

bool Listener::is_in_place() const {
    struct stat status {};
    return !path_.empty() && ::lstat(path_.c_str(), &status) == 0 && status.st_ino == inode_ &&
           status.st_dev == device_;
}

void Listener::restore() {
    if (path_.empty() || is_in_place()) return;
    log_.warning("the control socket " + path_ + " was gone; putting it back");
    struct stat status {};
    const std::string folder = folder_of(path_);
    const bool whole_folder = ::stat(folder.c_str(), &status) != 0 && errno == ENOENT;
    if (whole_folder) {
        if (auto made = os::make_private_dir(folder); !made) {
            return log_.error(made.error().text());
        }
    }
    if (auto listening = bind_and_listen(); !listening) log_.error(listening.error().text());
    if (whole_folder) watch_folder();
}

/// Cleaners of temporary files delete sockets. Without a watch, a hang-up signal still puts it
/// back.
void Listener::watch_folder() {
    Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch || ::inotify_add_watch(watch.get(), folder_of(path_).c_str(),
                                      IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR) < 0) {
        return log_.debug(system_error("cannot watch " + folder_of(path_)).text() + "; ignoring");
    }
    boost::system::error_code error;
    folder_watch_.close(error);
    folder_watch_.assign(watch.get(), error);
    if (error) return;
    (void)watch.release();
    await_deletion();
}

void Listener::await_deletion() {
    folder_watch_.async_wait(
        asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
            if (error) return;
            // Whatever was deleted: whether it was ours is seen by looking.
            std::array<char, 4096> events;
            while (::read(folder_watch_.native_handle(), events.data(), events.size()) > 0) {
            }
            restore();
            await_deletion();
        });
}

/// No client is in our hands between two calls: each is in the backlog or admitted.
void Listener::accept() {
    acceptor_.async_wait(
        asio::socket_base::wait_read, [this](const boost::system::error_code& error) {
            if (error || !acceptor_.is_open()) return;
            Fd client(::accept4(acceptor_.native_handle(), nullptr, nullptr,
                                SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (client) {
                accept_failed_ = false;
                on_client_(Socket(io_, Local(), client.release()));
                return accept();
            }
            if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return accept();
            // Out of descriptors, most likely: the client waits in the backlog, and trying at once
            // would only spin.
            if (!std::exchange(accept_failed_, true)) {
                log_.warning("cannot accept a client: " + Error::strerrordesc(errno));
            }
            retry_.expires_after(std::chrono::milliseconds(200));
            retry_.async_wait([this](const boost::system::error_code& cancelled) {
                if (!cancelled) accept();
            });
        });
}

}  // namespace reeve::shell
