#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/shell/asio.h"
#include "supervisor/shell/own_log.h"

namespace reeve::shell {

/// The control socket's file and the clients that come through it: one that a dead supervisor left
/// is replaced, one that somebody deletes is put back.
class Listener {
  public:
    using Socket = asio::local::stream_protocol::socket;

    /// `listening` is told each time that there is another socket to listen on.
    Listener(
        asio::io_context& io, OwnLog& log, std::function<void(Socket)> on_client,
        std::function<void(int)> listening = [](int) {});
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    struct Permissions {
        mode_t mode = 0600;
        std::optional<gid_t> group;
        bool operator==(const Permissions&) const = default;
    };

    /// Binds the socket. The caller holds the lock of the runtime directory, so nobody else's is
    /// removed.
    Result<> listen(const std::string& path, const Permissions& permissions);
    /// Goes on with one that a predecessor has bound.
    Result<> go_on(const std::string& path, const Permissions& permissions, Fd listening);
    /// From now on.
    Result<> change(const Permissions& permissions);
    /// Puts the socket back if its file is gone or another one.
    void restore();
    /// Takes no more clients, and its file away.
    void close();
    /// The path that a listening socket was given; empty if it has none.
    static std::string path_of(int socket);

    const std::string& path() const { return path_; }

  private:
    Result<> bind_and_listen();
    Result<> apply_permissions() const;
    void watch_folder();
    void await_deletion();
    bool is_in_place() const;
    void accept();

    asio::io_context& io_;
    OwnLog& log_;
    std::function<void(Socket)> on_client_;
    std::function<void(int)> listening_;
    std::string path_;
    Permissions permissions_;
    dev_t device_ = 0;  ///< of the file that we have bound
    ino_t inode_ = 0;
    asio::local::stream_protocol::acceptor acceptor_;
    asio::posix::stream_descriptor folder_watch_;
    asio::steady_timer retry_;
    bool accept_failed_ = false;
};

}  // namespace reeve::shell
