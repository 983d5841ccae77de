#pragma once

#include <sys/types.h>

#include <vector>

#include "base/result.h"

namespace reeve::os {

/// Who is at the other end of a Unix socket, as the kernel knew them when they connected: unix(7),
/// SO_PEERCRED and SO_PEERGROUPS.
struct Peer {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;  ///< supplementary ones

    bool in_group(gid_t group) const;
};

Result<Peer> peer_of(int socket);

}  // namespace reeve::os
