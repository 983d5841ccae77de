#include "supervisor/shell/access.h"

#include <algorithm>
#include <vector>

#include "base/overloaded.h"

namespace reeve::shell {

namespace {

bool in_any(const os::Peer& peer, const std::vector<gid_t>& groups) {
    return std::any_of(groups.begin(), groups.end(),
                       [&](gid_t group) { return peer.in_group(group); });
}

}  // namespace

std::string name_of(const os::Peer& peer) {
    return "a client (user id " + std::to_string(peer.uid) + ", pid " + std::to_string(peer.pid) +
           ")";
}

Right right_of(const os::Peer& peer, const config::Supervisor::Access& access, uid_t own) {
    if (peer.uid == 0 || peer.uid == own) return Right::All;
    if (in_any(peer, access.operate)) return Right::Operate;
    if (in_any(peer, access.read)) return Right::Read;
    return Right::None;
}

Right needed_for(const protocol::Call& call) {
    using namespace protocol;
    return std::visit(Overloaded{
                          [](const Hello&) { return Right::Read; },
                          [](const VersionQuery&) { return Right::Read; },
                          [](const StatusQuery&) { return Right::Read; },
                          [](const WhyQuery&) { return Right::Read; },
                          [](const FailuresQuery&) { return Right::Read; },
                          [](const RunsQuery&) { return Right::Read; },
                          [](const EventsQuery&) { return Right::Read; },
                          [](const Subscribe&) { return Right::Read; },
                          [](const WaitFor&) { return Right::Read; },
                          [](const Rehearse&) { return Right::Read; },
                          [](const Command&) { return Right::Operate; },
                          [](const Kill&) { return Right::Operate; },
                          [](const ResetFailed&) { return Right::Operate; },
                          [](const Enable&) { return Right::Operate; },
                          [](const DefinitionQuery&) { return Right::Operate; },
                          [](const DiffQuery&) { return Right::Operate; },
                          [](const Apply&) { return Right::Operate; },
                          [](const Reopen&) { return Right::Operate; },
                          [](const Shutdown&) { return Right::All; },
                          [](const Upgrade&) { return Right::All; },
                      },
                      call);
}

std::optional<std::string> refusal(const os::Peer& peer, Right held, Right needed) {
    if (held >= needed) return std::nullopt;
    const std::string who = "user id " + std::to_string(peer.uid);
    switch (needed) {
        case Right::None:
            return std::nullopt;
        case Right::Read:
            return who + " may not ask this supervisor: the right `read` is missing, which " +
                   "supervisor.access gives to groups";
        case Right::Operate:
            return who + " may not do this: the right `operate` is missing, which " +
                   "supervisor.access gives to groups";
        case Right::All:
            return who + " may not do this: only root and the supervisor's own user may";
    }
    return std::nullopt;
}

}  // namespace reeve::shell
