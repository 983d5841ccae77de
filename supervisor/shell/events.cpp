#include "supervisor/shell/events.h"

#include <algorithm>
#include <string>

#include "ctl/protocol/message.h"
#include "supervisor/shell/clock.h"

namespace reeve::shell {

namespace {

/// An event takes about 250 bytes here.
constexpr std::size_t most_remembered = 1000;

/// A subscriber that has left this much unread beyond a picture of all services does not keep up.
constexpr std::size_t most_unread = 1u << 20;

}  // namespace

void Events::publish(protocol::Event event) {
    event.seq = ++last_number_;
    event.time = wall_now();
    std::string message;
    // One that is cut off for what it has left unread is forgotten in between.
    for (const auto& subscriber : std::vector(subscribers_)) {
        if (subscriber->lagging) {
            ++subscriber->missed;
        } else if (subscriber->session->unsent() > subscriber->limit) {
            let_lag(subscriber);
        } else {
            if (message.empty()) message = protocol::encode_event(event);
            subscriber->session->send(message);
        }
    }
    if (remembered_.size() == most_remembered) remembered_.pop_front();
    remembered_.push_back(std::move(event));
}

std::vector<protocol::Event> Events::last(std::size_t limit) const {
    const auto count = static_cast<std::ptrdiff_t>(std::min(limit, remembered_.size()));
    return {remembered_.end() - count, remembered_.end()};
}

void Events::subscribe(const std::shared_ptr<Session>& session, std::size_t history) {
    for (const protocol::Event& event : last(history)) session->send(protocol::encode_event(event));
    send_snapshot(*session);
    const auto is_it = [&](const auto& other) { return other->session == session; };
    auto found = std::find_if(subscribers_.begin(), subscribers_.end(), is_it);
    if (found == subscribers_.end()) {
        found = subscribers_.insert(found, std::make_shared<Subscriber>(Subscriber{session}));
    }
    (*found)->limit = session->unsent() + most_unread;
}

bool Events::has(const Session* session) const {
    return std::any_of(subscribers_.begin(), subscribers_.end(),
                       [&](const auto& one) { return one->session.get() == session; });
}

void Events::go_on(std::vector<protocol::Event> remembered, std::uint64_t last_number) {
    remembered_.assign(std::make_move_iterator(remembered.begin()),
                       std::make_move_iterator(remembered.end()));
    last_number_ = last_number;
}

void Events::go_on(const std::shared_ptr<Session>& session) {
    subscribers_.push_back(std::make_shared<Subscriber>(Subscriber{session, most_unread}));
}

void Events::forget(const Session* session) {
    std::erase_if(subscribers_, [&](const auto& one) { return one->session.get() == session; });
}

void Events::send_snapshot(Session& session) const {
    const WallTime time = wall_now();
    for (protocol::Event& event : snapshot_()) {
        event.seq = last_number_;
        event.time = time;
        session.send(protocol::encode_event(event));
    }
}

void Events::let_lag(const std::shared_ptr<Subscriber>& subscriber) {
    subscriber->lagging = true;
    subscriber->missed = 1;
    // It may be us who goes first.
    subscriber->session->when_drained([this, weak = std::weak_ptr(subscriber)] {
        if (const auto still = weak.lock()) resynchronise(*still);
    });
}

void Events::resynchronise(Subscriber& subscriber) {
    Session& session = *subscriber.session;
    subscriber.lagging = false;
    protocol::Event lost;
    lost.seq = last_number_;
    lost.time = wall_now();
    lost.kind = protocol::Event::Kind::Lost;
    lost.missed = subscriber.missed;
    session.send(protocol::encode_event(lost));
    send_snapshot(session);
    subscriber.limit = session.unsent() + most_unread;
}

}  // namespace reeve::shell
