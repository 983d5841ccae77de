#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ctl/protocol/message.h"
#include "supervisor/core/engine.h"
#include "supervisor/shell/event_queue.h"
#include "supervisor/shell/own_log.h"
#include "supervisor/shell/session.h"
#include "supervisor/shell/status.h"

namespace reeve::shell {

/// The control socket: takes in requests of clients, hands them to the engine, and brings the
/// answers back. Clients that vanish, stay silent or do not read disturb nobody.
class Control {
  public:
    Control(asio::io_context& io, EventQueue& queue, const core::Engine& engine, Runs& runs,
            const SupervisorInfo& info, OwnLog& log);
    ~Control();

    /// Binds the socket, in place of one that a dead supervisor left. The caller holds the lock of
    /// the runtime directory, so nobody else's is removed.
    Result<> listen(const std::string& path, mode_t mode, std::optional<gid_t> group);
    /// Puts the socket back if its file is gone.
    void restore();

    /// Tells the subscribers.
    void announce(const core::Announce& change);
    void touches(const core::Touches& touches);
    void reply(const core::Reply& reply);

  private:
    struct Waiting {
        std::weak_ptr<Session> session;
        protocol::Id id;
        core::Verb verb = core::Verb::Start;
        bool wait = true;
        std::map<core::ServiceId, protocol::State> before;
        std::vector<std::string> also;
    };

    void accept();
    void admit(asio::local::stream_protocol::socket socket);
    void take_line(const std::shared_ptr<Session>& session, std::string_view line);
    void answer(const std::shared_ptr<Session>& session, const protocol::Id& id,
                const protocol::Hello& hello);
    void answer(const std::shared_ptr<Session>& session, const protocol::Id& id,
                const protocol::StatusQuery& query);
    void answer(const std::shared_ptr<Session>& session, const protocol::Id& id,
                const protocol::Command& command);
    void answer(const std::shared_ptr<Session>& session, const protocol::Id& id,
                const protocol::Shutdown& shutdown);
    void answer(const std::shared_ptr<Session>& session, const protocol::Id& id,
                const protocol::VersionQuery& query);
    void answer(const std::shared_ptr<Session>& session, const protocol::Id& id,
                const protocol::Subscribe& subscribe);
    template <typename Call>
    void answer(const std::shared_ptr<Session>& session, const protocol::Id& id, const Call&) {
        session->send(protocol::encode_error(
            id, {protocol::ErrorCode::NoSuchMethod, "not supported yet", {}, {}}));
    }
    protocol::CommandResult result_of(const Waiting& waiting, const core::Outcome& outcome) const;

    asio::io_context& io_;
    EventQueue& queue_;
    const core::Engine& engine_;
    Runs& runs_;
    const SupervisorInfo& info_;
    OwnLog& log_;
    std::string path_;
    mode_t mode_ = 0600;
    std::optional<gid_t> group_;
    asio::local::stream_protocol::acceptor acceptor_;
    asio::steady_timer retry_;
    bool accept_failed_ = false;
    std::map<core::RequestId, Waiting> waiting_;
    std::vector<std::weak_ptr<Session>> subscribers_;
    std::uint64_t last_request_ = 0;
    std::uint64_t last_event_ = 0;
    // Shared with the sessions, which may outlive us.
    std::shared_ptr<std::size_t> sessions_ = std::make_shared<std::size_t>(0);
};

}  // namespace reeve::shell
