#include "ctl/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace reeve::ctl {

namespace {

/// More than a status of 100,000 services takes: whoever sends such a line is no supervisor.
constexpr std::size_t max_line = 256u << 20;

/// Waits until the socket can be read from or written to. False at the deadline.
Result<bool> wait_until(short event, int fd, Connection::Deadline deadline) {
    using namespace std::chrono;
    while (true) {
        int wait = -1;
        if (deadline) {
            const auto left = ceil<milliseconds>(*deadline - steady_clock::now());
            wait = static_cast<int>(std::clamp<milliseconds::rep>(left.count(), 0, 1'000'000'000));
        }
        pollfd wanted{fd, event, 0};
        const int ready = poll(&wanted, 1, wait);
        if (ready > 0) return true;
        if (ready == 0 && wait == 0) return false;
        if (ready < 0 && errno != EINTR) return system_error("cannot wait for the supervisor");
    }
}

/// What connect() waits for, room among those that wait to be accepted, cannot be polled for.
bool limit_connecting(int fd, Duration patience) {
    const auto seconds = floor<std::chrono::seconds>(patience);
    const auto rest = floor<std::chrono::microseconds>(patience - seconds);
    const timeval limit{seconds.count(), rest.count()};
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0;
}

/// Whoever began to listen on the other side.
std::optional<ucred> peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
    return credentials;
}

}  // namespace

Result<Connection> Connection::open(const std::string& path, Duration patience) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return system_error("cannot connect", ENAMETOOLONG);
    std::memcpy(address.sun_path, path.data(), path.size());
    Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd || !limit_connecting(fd.get(), patience)) return system_error("cannot make a socket");
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return system_error("cannot connect", errno == EAGAIN ? ETIMEDOUT : errno);
    }
    return Connection(std::move(fd));
}

std::optional<uid_t> Connection::peer() const {
    const auto credentials = peer_of(fd_.get());
    return credentials ? std::optional(credentials->uid) : std::nullopt;
}

std::optional<pid_t> Connection::dead_peer() const {
    const auto credentials = peer_of(fd_.get());
    // 0: it is in another PID namespace.
    if (!credentials || credentials->pid <= 0) return std::nullopt;
    if (kill(credentials->pid, 0) == 0 || errno != ESRCH) return std::nullopt;
    return credentials->pid;
}

Result<void> Connection::send(std::string_view bytes, Deadline deadline) {
    while (!bytes.empty()) {
        const ssize_t sent =
            ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return {};  // what it said before it hung up, a refusal for one, is there to be
                        // received
        } else if (errno == EAGAIN) {
            const auto ready = wait_until(POLLOUT, fd_.get(), deadline);
            if (!ready) return ready.error();
            if (!*ready) return system_error("cannot wait any longer", ETIMEDOUT);
        } else if (errno != EINTR) {
            return system_error("cannot write to the supervisor");
        }
    }
    return {};
}

/// The next line that is there already.
std::optional<std::string> Connection::take_line() {
    const std::size_t newline = received_.find('\n', searched_);
    searched_ = received_.size();
    if (newline == std::string::npos) return std::nullopt;
    std::string line = received_.substr(0, newline);
    received_.erase(0, newline + 1);
    searched_ = 0;
    return line;
}

/// Reads what there is. False at the end of the stream.
Result<bool> Connection::read_piece() {
    const std::size_t held = received_.size();
    if (held > max_line) return error("cannot understand an answer without end");
    constexpr std::size_t piece = 64 * 1024;
    received_.resize(held + piece);
    const ssize_t got = recv(fd_.get(), received_.data() + held, piece, 0);
    const int failed = errno;
    received_.resize(held + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0 || (got < 0 && failed == EINTR)) return true;
    if (got == 0 || failed == ECONNRESET) return false;
    return system_error("cannot read from the supervisor", failed);
}

Result<std::optional<std::string>> Connection::receive(Deadline deadline) {
    while (true) {
        if (auto line = take_line()) return line;
        const auto ready = wait_until(POLLIN, fd_.get(), deadline);
        if (!ready) return ready.error();
        if (!*ready) return system_error("cannot wait any longer", ETIMEDOUT);
        const auto more = read_piece();
        if (!more) return more.error();
        if (!*more) return std::optional<std::string>();
    }
}

Result<std::optional<std::string>> Connection::receive_for(int out) {
    while (true) {
        if (auto line = take_line()) return line;
        // A pipe or socket nobody reads from reports so without being asked for any event.
        std::array<pollfd, 2> wanted = {pollfd{fd_.get(), POLLIN, 0}, pollfd{out, 0, 0}};
        if (poll(wanted.data(), wanted.size(), -1) < 0) {
            if (errno == EINTR) continue;
            return system_error("cannot wait for the supervisor");
        }
        if (wanted[1].revents != 0) return system_error("cannot pass on what is received", EPIPE);
        const auto more = read_piece();
        if (!more) return more.error();
        if (!*more) return std::optional<std::string>();
    }
}

}  // namespace reeve::ctl
