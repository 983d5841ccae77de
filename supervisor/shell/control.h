#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ctl/protocol/message.h"
#include "supervisor/core/engine.h"
#include "supervisor/shell/access.h"
#include "supervisor/shell/configuration.h"
#include "supervisor/shell/event_queue.h"
#include "supervisor/shell/events.h"
#include "supervisor/shell/own_log.h"
#include "supervisor/shell/pending.h"
#include "supervisor/shell/runs.h"
#include "supervisor/shell/session.h"
#include "supervisor/shell/status.h"

namespace reeve::shell {

/// What clients ask: admits them, sees that they may, answers what can be answered by looking, and
/// hands the rest to the engine. Clients that vanish, stay silent or do not read disturb nobody.
class Control {
  public:
    /// What it answers from and acts upon.
    struct House {
        asio::io_context& io;
        const core::Engine& engine;
        EventQueue& queue;
        Runs& runs;
        Configuration& configuration;
        const SupervisorInfo& info;
        OwnLog& log;
        std::function<void()> reopen_logs;
        std::function<void()> tell_changes;  ///< announces what is decided and was not told yet
        /// Replaces the program of this process by that at the path, if it can take over; why it
        /// does not is told later. Empty: that which this one was started from.
        std::function<void(const std::string&, std::function<void(Error)>)> upgrade;
    };

    explicit Control(House house);
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;
    ~Control();

    void admit(asio::local::stream_protocol::socket socket);
    /// Calls `done` once every client has been sent all that is queued for it. They are not hung up
    /// on before this process ends: to many the end of the connection is the sign that it has.
    void drain(std::function<void()> done);

    /// What clients are waiting for, to be taken over by another program in this process.
    void hand_over(state::Handover& handover);
    /// Goes on with the clients that were handed over; to be called first.
    void take_over(const state::Handover& handover);
    /// Answers the client that asked for the upgrade which has led to this program, if one did.
    void tell_upgraded();

    void announce(const core::Announce& change);
    void announce(const core::AnnounceShutdown& shutdown);
    void announce(const core::Forget& forgotten);
    /// That the configuration was read again, and what came of it.
    void announce_configuration(std::string what);
    void touches(const core::Touches& touches) { pending_.touches(touches); }
    void reply(const core::Reply& reply) { pending_.reply(reply); }

  private:
    using SessionPtr = std::shared_ptr<Session>;
    using Id = protocol::Id;

    void forget(Session* session);
    void take_line(const SessionPtr& session, std::string_view line);
    void answer(const SessionPtr& session, const Id& id, const protocol::Hello& hello);
    void answer(const SessionPtr& session, const Id& id, const protocol::StatusQuery& query);
    void answer(const SessionPtr& session, const Id& id, const protocol::Command& command);
    void answer(const SessionPtr& session, const Id& id, const protocol::Rehearse& rehearse);
    void answer(const SessionPtr& session, const Id& id, const protocol::Kill& kill);
    void answer(const SessionPtr& session, const Id& id, const protocol::ResetFailed& reset);
    void answer(const SessionPtr& session, const Id& id, const protocol::Enable& enable);
    void answer(const SessionPtr& session, const Id& id, const protocol::WaitFor& wait);
    void answer(const SessionPtr& session, const Id& id, const protocol::DiffQuery& query);
    void answer(const SessionPtr& session, const Id& id, const protocol::Apply& apply);
    void answer(const SessionPtr& session, const Id& id, const protocol::DefinitionQuery& query);
    void answer(const SessionPtr& session, const Id& id, const protocol::WhyQuery& query);
    void answer(const SessionPtr& session, const Id& id, const protocol::FailuresQuery& query);
    void answer(const SessionPtr& session, const Id& id, const protocol::RunsQuery& query);
    void answer(const SessionPtr& session, const Id& id, const protocol::EventsQuery& query);
    void answer(const SessionPtr& session, const Id& id, const protocol::Subscribe& subscribe);
    void answer(const SessionPtr& session, const Id& id, const protocol::Reopen& reopen);
    void answer(const SessionPtr& session, const Id& id, const protocol::Shutdown& shutdown);
    void answer(const SessionPtr& session, const Id& id, const protocol::Upgrade& upgrade);
    void answer(const SessionPtr& session, const Id& id, const protocol::VersionQuery& query);

    SessionPtr make_session(asio::local::stream_protocol::socket socket, const os::Peer& peer);
    static void refuse(const SessionPtr& session, const Id& id, std::string why,
                       protocol::ErrorCode code = protocol::ErrorCode::Failed);
    /// The services that names select; nothing once it has answered that they select none.
    std::optional<std::vector<core::ServiceId>> select_or_refuse(
        const SessionPtr& session, const Id& id, const std::vector<std::string>& names);
    Right right_of(const Session& session) const;
    std::vector<protocol::Event> snapshot() const;

    House house_;
    Pending pending_;
    Events events_;
    std::unordered_map<Session*, std::weak_ptr<Session>> sessions_;
    struct Upgrader {
        SessionPtr session;
        Id id;
        std::string before;  // the version of the program that was replaced
    };
    std::optional<Upgrader> upgrader_;
};

}  // namespace reeve::shell
