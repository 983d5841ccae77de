#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/os/peer.h"
#include "supervisor/os/process_entry.h"
#include "supervisor/shell/probes/probes.h"

namespace reeve::shell::probes {

namespace {

/// Connects; none, with errno, if that fails. Never waits: where a stream's queue is full it fails.
Fd connected(const std::string& path, int type) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::min(path.size(), sizeof address.sun_path - 1);
    std::copy_n(path.begin(), length, address.sun_path);
    Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return Fd();
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return Fd();
    }
    return socket;
}

/// Who listens on the other side and is known not to be of the service; nothing for datagrams, for
/// who has ended since and for whom we cannot see. We ourselves listen for services that get their
/// sockets from us.
std::optional<os::ProcessEntry> stranger(const Fd& socket,
                                         const std::function<bool(pid_t)>& is_member) {
    const auto peer = os::peer_of(socket.get());
    if (!peer || peer->pid <= 0 || peer->pid == ::getpid() || is_member(peer->pid)) {
        return std::nullopt;
    }
    auto process = os::read_process(peer->pid);
    return process && process->live() ? process : std::nullopt;
}

}  // namespace

Answer knock(const config::UnixCheck& check, const std::function<bool(pid_t)>& is_member) {
    Fd socket;
    for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
        socket = connected(check.path, type);
        if (socket || errno != EPROTOTYPE) break;
    }
    if (!socket) {
        return {false, errno == EAGAIN ? "nobody accepts connections: its queue is full"
                                       : Error::strerrordesc(errno)};
    }
    const auto other = stranger(socket, is_member);
    if (!other) return {true, ""};
    std::string what = "answered by process ";
    what.append(std::to_string(other->pid)).append(" (").append(other->comm);
    what.append("), which is not of this service");
    return {false, std::move(what)};
}

}  // namespace reeve::shell::probes
