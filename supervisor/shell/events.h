#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "ctl/protocol/notice.h"
#include "supervisor/shell/session.h"

namespace reeve::shell {

/// What happened: numbers it, remembers the last of it, and tells those who have subscribed. One
/// who does not keep up is not waited for: it gets no more until it has read what was queued for
/// it, and is then told how much it missed and how things are.
class Events {
  public:
    using Snapshot = std::function<std::vector<protocol::Event>()>;

    /// `snapshot` tells how every service is now, in order of name; numbers and times are set here.
    explicit Events(Snapshot snapshot) : snapshot_(std::move(snapshot)) {}
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;

    void publish(protocol::Event event);
    /// The last `limit` of those that are remembered.
    std::vector<protocol::Event> last(std::size_t limit) const;
    /// Sends the last `history` of them, then how things are; from now on what happens.
    void subscribe(const std::shared_ptr<Session>& session, std::size_t history);
    void forget(const Session* session);
    bool has(const Session* session) const;
    std::uint64_t last_number() const { return last_number_; }
    /// Goes on after what another program in this process has told.
    void go_on(std::vector<protocol::Event> remembered, std::uint64_t last_number);
    /// One that has subscribed there.
    void go_on(const std::shared_ptr<Session>& session);

  private:
    struct Subscriber {
        std::shared_ptr<Session> session;
        std::size_t limit = 0;  ///< of unread bytes, beyond which it does not keep up
        bool lagging = false;
        std::uint64_t missed = 0;
    };

    void send_snapshot(Session& session) const;
    void let_lag(const std::shared_ptr<Subscriber>& subscriber);
    void resynchronise(Subscriber& subscriber);

    Snapshot snapshot_;
    std::deque<protocol::Event> remembered_;
    std::vector<std::shared_ptr<Subscriber>> subscribers_;
    std::uint64_t last_number_ = 0;
};

}  // namespace reeve::shell
