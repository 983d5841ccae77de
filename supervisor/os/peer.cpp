#include "supervisor/os/peer.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace reeve::os {

bool Peer::in_group(gid_t group) const {
    return gid == group || std::find(groups.begin(), groups.end(), group) != groups.end();
}

Result<Peer> peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return system_error("cannot tell who the client is");
    }
    Peer peer{credentials.pid, credentials.uid, credentials.gid, {}};
    // The first call tells how much room it takes.
    size = 0;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size) == 0 || errno != ERANGE) {
        return peer;
    }
    peer.groups.resize(size / sizeof(gid_t));
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size) != 0) {
        return system_error("cannot tell which groups the client is in");
    }
    return peer;
}

}  // namespace reeve::os
