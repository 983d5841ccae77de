#pragma once

#include <string>
#include <vector>

#include "ctl/protocol/message.h"
#include "supervisor/core/engine.h"
#include "supervisor/core/rehearsal.h"
#include "supervisor/shell/runs.h"

namespace reeve::shell {

/// What there is to say of the supervisor itself.
struct SupervisorInfo {
    std::string version;
    std::string runtime_dir;  ///< empty: none could be had
    std::string log_dir;
    std::vector<std::string> config;
    Time started;
};

/// The services that a client's names select, in order of name: a name, that of all instances, a
/// shell glob or "@GROUP" each; none at all means every service. Fails for a name that selects
/// nothing.
boost::system::result<std::vector<core::ServiceId>, protocol::Refusal> select(
    const core::Units& units, const std::vector<std::string>& names);

/// The document that `status` answers with.
protocol::StatusDocument describe(const core::Engine& engine, Runs& runs,
                                  const SupervisorInfo& info,
                                  const std::vector<core::ServiceId>& services,
                                  const protocol::StatusQuery& query, Time now);

// The protocol's words for what the engine has.
protocol::State state_of(const core::Unit& unit);
protocol::Verb verb_of(core::Verb verb);
core::Verb verb_of(protocol::Verb verb);
std::vector<protocol::Step> steps_of(const core::Rehearsal& rehearsal);
std::optional<protocol::LastExit> last_exit_of(const core::Unit& unit, Time now, WallTime wall);

std::optional<protocol::LogTrouble> log_trouble_of(const core::Unit& unit, const Runs& runs);

/// The cause as it reads now: with the time that is left until the next start.
std::string cause_of(const core::Unit& unit, Time now);

}  // namespace reeve::shell
