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

/// 0 or the errno. Never waits: where a stream's queue is full it fails.
int connect(const Fd& socket, const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::min(path.size(), sizeof address.sun_path - 1);
    std::copy_n(path.begin(), length, address.sun_path);
    const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
    return ::connect(socket.get(), generic, sizeof address) == 0 ? 0 : errno;
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
    int errnum = EPROTOTYPE;
    for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
        if (errnum != EPROTOTYPE) break;
        socket.reset(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket) return failure(system_error("socket"));
        errnum = connect(socket, check.path);
    }
    if (errnum != 0) {
        return {false, errnum == EAGAIN ? "nobody accepts connections: its queue is full"
                                        : Error::strerrordesc(errnum)};
    }
    const auto other = stranger(socket, is_member);
    if (!other) return {true, ""};
    std::string what = "answered by process ";
    what.append(std::to_string(other->pid)).append(" (").append(other->comm);
    what.append("), which is not of this service");
    return {false, std::move(what)};
}

}  // namespace reeve::shell::probes
