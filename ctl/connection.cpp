#include "ctl/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace reeve::ctl {

namespace {

/// More than a status of 100,000 services takes: whoever sends such a line is no supervisor.
constexpr std::size_t max_line = 256u << 20;

/// Waits for something to read. False at the deadline.
Result<bool> readable(int fd, Connection::Deadline deadline) {
    using namespace std::chrono;
    while (true) {
        int wait = -1;
        if (deadline) {
            const auto left = ceil<milliseconds>(*deadline - steady_clock::now());
            wait = static_cast<int>(std::clamp<milliseconds::rep>(left.count(), 0, 1'000'000'000));
        }
        pollfd wanted{fd, POLLIN, 0};
        const int ready = poll(&wanted, 1, wait);
        if (ready > 0) return true;
        if (ready == 0 && wait == 0) return false;
        if (ready < 0 && errno != EINTR) return system_error("cannot wait for the supervisor");
    }
}

}  // namespace

Result<Connection> Connection::open(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return system_error("cannot connect", ENAMETOOLONG);
    std::memcpy(address.sun_path, path.data(), path.size());
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return system_error("cannot make a socket");
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return system_error("cannot connect");
    }
    return Connection(std::move(fd));
}

std::optional<uid_t> Connection::peer() const {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return std::nullopt;
    }
    return credentials.uid;
}

Result<void> Connection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EPIPE) {
            return {};  // what it said before it hung up, a refusal for one, is there to be
                        // received
        } else if (errno != EINTR) {
            return system_error("cannot write to the supervisor");
        }
    }
    return {};
}

Result<std::optional<std::string>> Connection::receive(Deadline deadline) {
    while (true) {
        const std::size_t newline = received_.find('\n', searched_);
        if (newline != std::string::npos) {
            std::string line = received_.substr(0, newline);
            received_.erase(0, newline + 1);
            searched_ = 0;
            return std::optional(std::move(line));
        }
        searched_ = received_.size();
        if (searched_ > max_line) return error("cannot understand an answer without end");
        const auto ready = readable(fd_.get(), deadline);
        if (!ready) return ready.error();
        if (!*ready) return system_error("cannot wait any longer", ETIMEDOUT);
        constexpr std::size_t piece = 64 * 1024;
        received_.resize(searched_ + piece);
        const ssize_t got = recv(fd_.get(), received_.data() + searched_, piece, 0);
        const int failed = errno;
        received_.resize(searched_ + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got == 0) return std::optional<std::string>();
        if (got < 0 && failed == ECONNRESET) return std::optional<std::string>();
        if (got < 0 && failed != EINTR) {
            return system_error("cannot read from the supervisor", failed);
        }
    }
}

}  // namespace reeve::ctl
