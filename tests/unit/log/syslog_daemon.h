#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/fd.h"

namespace reeve::log {

/// What a syslog daemon has: a socket with a name, from which it reads messages when it wants to.
class SyslogDaemon {
  public:
    explicit SyslogDaemon(std::string path, int type = SOCK_DGRAM)
        : path_(std::move(path)), socket_(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
        ::unlink(path_.c_str());
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        if (type == SOCK_STREAM) ::listen(socket_.get(), 5);
    }
    ~SyslogDaemon() { ::unlink(path_.c_str()); }
    SyslogDaemon(const SyslogDaemon&) = delete;
    SyslogDaemon& operator=(const SyslogDaemon&) = delete;

    int fd() const { return socket_.get(); }
    Fd accept() const { return Fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }

    /// The messages that have come, after the first of them is there.
    std::vector<std::string> wait() const {
        pollfd ready{fd(), POLLIN, 0};
        EXPECT_EQ(::poll(&ready, 1, 30000), 1);
        return messages();
    }
    std::vector<std::string> messages() const {
        std::vector<std::string> all;
        std::string message(1 << 17, '\0');
        for (ssize_t n = 0;
             (n = ::recv(fd(), message.data(), message.size(), MSG_DONTWAIT)) >= 0;) {
            all.push_back(message.substr(0, static_cast<std::size_t>(n)));
        }
        return all;
    }

  private:
    std::string path_;
    Fd socket_;
};

/// A message without its priority and time: "web: the line".
inline std::string said(const std::string& message) {
    constexpr std::size_t kTime = sizeof("Nov 26 09:05:00 ") - 1;
    return message.substr(std::min(message.size(), message.find('>') + 1 + kTime));
}
inline std::vector<std::string> said(std::vector<std::string> messages) {
    for (std::string& message : messages) message = said(message);
    return messages;
}

}  // namespace reeve::log
