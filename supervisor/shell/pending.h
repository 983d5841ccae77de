#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "ctl/protocol/message.h"
#include "supervisor/core/engine.h"
#include "supervisor/shell/session.h"
#include "supervisor/state/handover.h"

namespace reeve::shell {

/// The requests of clients that the engine has been given and has not answered yet: brings what it
/// says of them back to who asked.
class Pending {
  public:
    explicit Pending(const core::Engine& engine) : engine_(engine) {}

    enum class Kind { Command, Signal, Reset, Enablement, Await, Apply };

    struct Asked {
        std::shared_ptr<Session> session;
        protocol::Id id;
        Kind kind = Kind::Command;
        core::Verb verb = core::Verb::Start;  ///< of a Command
        /// Those that were named, in order of name. One of which the engine says nothing was so
        /// already.
        std::vector<core::ServiceId> services;
        protocol::ConfigurationDiff diff;  ///< of Apply
    };

    core::RequestId add(Asked asked);
    /// How much a session has under way.
    std::size_t count(const Session* session) const;
    /// Lets go of what a session that has ended is waiting for; which requests that is.
    std::vector<core::RequestId> abandon(const Session* session);
    void touches(const core::Touches& touches);
    void reply(const core::Reply& reply);

    /// All that is under way, for another program in this process; `place` is that of a session
    /// among those that are handed over, or none.
    void hand_over(state::Handover& handover,
                   const std::function<std::optional<std::size_t>(const Session*)>& place) const;
    /// Goes on with what was handed over. `sessions` are in the same order; null: gone since.
    void take_over(const state::Handover& handover,
                   const std::vector<std::shared_ptr<Session>>& sessions);

    /// An outcome as the protocol has it; `changed` is left true.
    protocol::CommandResult result_of(const core::Outcome& outcome) const;

  private:
    struct Entry {
        Asked asked;
        struct Before {
            std::string name;
            protocol::State state;
        };
        std::map<core::ServiceId, Before> before;
        std::vector<std::string> also;
    };

    std::vector<protocol::CommandResult> results_of(const Entry& entry,
                                                    const core::Reply& reply) const;

    const core::Engine& engine_;
    std::map<core::RequestId, Entry> entries_;
    std::unordered_map<const Session*, std::set<core::RequestId>> by_session_;
    std::uint64_t last_request_ = 0;
};

}  // namespace reeve::shell
