#include "supervisor/log/syslog_socket.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace reeve::log {

namespace {

constexpr int kFacilityDaemon = 3;
constexpr Duration kBetweenTries = 1s;
// RFC 3164 lets a message have 1024 bytes; a socket that takes less is broken.
constexpr std::size_t kLeastLimit = 1024;

/// At most that many bytes, and no character of UTF-8 cut apart.
std::string_view front(std::string_view text, std::size_t most) {
    if (text.size() <= most) return text;
    std::size_t end = most;
    while (end + 3 > most && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return text.substr(0, end);
}

}  // namespace

std::string SyslogSocket::head(Severity severity, std::string_view tag) {
    // Not strftime(3): the names of the months do not depend on the locale.
    static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    tm local{};
    ::localtime_r(&now.tv_sec, &local);
    char text[64];
    std::snprintf(text, sizeof text, "<%d>%s %2d %02d:%02d:%02d ",
                  kFacilityDaemon << 3 | static_cast<int>(severity),
                  kMonths[static_cast<std::size_t>(local.tm_mon) % kMonths.size()], local.tm_mday,
                  local.tm_hour, local.tm_min, local.tm_sec);
    std::string head = text;
    head.append(tag).append(": ");
    return head;
}

std::string SyslogSocket::harmless(std::string_view text) {
    std::string escaped;
    escaped.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte >= 0x20 && byte != 0x7f) || c == '\t') {
            escaped += c;
            continue;
        }
        escaped += '#';
        for (const int shift : {6, 3, 0}) escaped += static_cast<char>('0' + (byte >> shift & 7));
    }
    return escaped;
}

bool SyslogSocket::connect(Time now) {
    if (socket_) return true;
    if (now < next_try_) return false;
    next_try_ = now + kBetweenTries;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string what = "cannot connect to " + path_;
    if (path_.size() >= sizeof address.sun_path) {
        error_ = system_error(std::move(what), ENAMETOOLONG);
        return false;
    }
    std::memcpy(address.sun_path, path_.data(), path_.size());
    for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
        socket_.reset(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        stream_ = type == SOCK_STREAM;
        if (socket_ && ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                                 sizeof address) == 0) {
            return true;
        }
        if (errno != EPROTOTYPE) break;
    }
    error_ = system_error(std::move(what), errno);
    socket_.reset();
    return false;
}

void SyslogSocket::hang_up(int why) {
    error_ = system_error("cannot send to " + path_, why);
    socket_.reset();
    rest_.clear();
}

/// One message, the end of which may have to stay in rest_; negative: nothing of it went, see
/// errno.
ssize_t SyslogSocket::put(std::string_view head, std::string_view text) {
    // A stream's messages end with NUL, as those of syslog(3) do.
    const std::string_view end(stream_ ? "\0" : "", stream_ ? 1 : 0);
    std::array<iovec, 4> parts{};
    msghdr message{};
    message.msg_iov = parts.data();
    std::size_t size = 0;
    for (const std::string_view part : {std::string_view(rest_), head, text, end}) {
        parts[message.msg_iovlen++] = {const_cast<char*>(part.data()), part.size()};
        size += part.size();
    }
    const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return sent;
    auto gone = static_cast<std::size_t>(sent);
    if (gone < rest_.size()) {
        rest_.erase(0, gone);
        errno = EAGAIN;
        return -1;
    }
    std::string rest;
    if (gone < size) {
        for (const iovec& part : parts) {
            const std::size_t skipped = std::min(gone, part.iov_len);
            const auto* bytes = static_cast<const char*>(part.iov_base);
            rest.append(bytes + skipped, part.iov_len - skipped);
            gone -= skipped;
        }
    }
    rest_ = std::move(rest);
    return sent;
}

bool SyslogSocket::flush() {
    while (!rest_.empty()) {
        const ssize_t sent =
            ::send(socket_.get(), rest_.data(), rest_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            rest_.erase(0, static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            return false;
        } else if (errno != EINTR) {
            hang_up(errno);
        }
    }
    return true;
}

SyslogSocket::Outcome SyslogSocket::send(std::string_view head, std::string_view& text, Time now) {
    for (;;) {
        if (!connect(now)) return Outcome::Gone;
        const std::string_view piece = front(text, limit_ - std::min(head.size(), limit_ / 2));
        if (put(head, piece) >= 0) {
            text.remove_prefix(piece.size());
            if (text.empty()) return Outcome::Sent;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            return Outcome::Full;
        } else if (errno == EMSGSIZE && limit_ > kLeastLimit) {
            limit_ /= 2;
        } else if (errno != EINTR) {
            hang_up(errno);
        }
    }
}

}  // namespace reeve::log
