#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "config/plan.h"
#include "ctl/protocol/call.h"
#include "supervisor/os/peer.h"

/// Who may ask what of the control socket.
namespace reeve::shell {

/// A client, for people: with its user and its process.
std::string name_of(const os::Peer& peer);

/// Each includes those before it.
enum class Right { None, Read, Operate, All };

/// Root and the supervisor's own user have all rights, others what `access` gives to their groups.
Right right_of(const os::Peer& peer, const config::Supervisor::Access& access, uid_t own);

/// What a call takes. A definition may hold secrets, so that seeing it takes more than reading.
Right needed_for(const protocol::Call& call);

/// Why a call is refused, with the right that is missing; nothing if it is not.
std::optional<std::string> refusal(const os::Peer& peer, Right held, Right needed);

}  // namespace reeve::shell
