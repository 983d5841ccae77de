// How the clients go over to another program in this process.
#include "supervisor/shell/control.h"

#include <unistd.h>

namespace reeve::shell {

namespace {

template <typename T>
const T* body_of(const Result<protocol::Answer<T>>& message, std::optional<protocol::Id>& id) {
    const auto* const reply = message ? std::get_if<protocol::Reply<T>>(&*message) : nullptr;
    if (reply == nullptr) return nullptr;
    id = reply->id;
    return std::get_if<T>(&reply->body);
}

}  // namespace

void Control::hand_over(state::Handover& handover) {
    std::unordered_map<const Session*, std::size_t> places;
    const auto everybody = sessions_;
    for (const auto& [address, weak] : everybody) {
        const auto session = weak.lock();
        if (!session || !session->is_open() || session->unsent() > 0) continue;
        places.emplace(address, handover.clients.size());
        handover.clients.push_back({session->descriptor(), session->input(), events_.has(address)});
    }
    pending_.hand_over(handover, [&](const Session* session) {
        const auto found = places.find(session);
        return found == places.end() ? std::nullopt : std::optional(found->second);
    });
    for (const protocol::Event& event : events_.last(SIZE_MAX)) {
        handover.events.push_back(protocol::encode_event(event));
    }
    handover.last_event = events_.last_number();
    if (!upgrader_) return;
    const auto found = places.find(upgrader_->session.get());
    if (found == places.end()) return;
    handover.upgrader = found->second;
    handover.upgrader_message = protocol::encode_result(upgrader_->id, protocol::Accepted{});
}

void Control::take_over(const state::Handover& handover) {
    std::vector<protocol::Event> events;
    for (const std::string& text : handover.events) {
        const auto message = protocol::parse_answer<protocol::Accepted>(text);
        if (!message) continue;
        if (const auto* event = std::get_if<protocol::Event>(&*message)) events.push_back(*event);
    }
    events_.go_on(std::move(events), handover.last_event);
    std::vector<SessionPtr> sessions;
    for (const state::Handover::Client& client : handover.clients) {
        auto& session = sessions.emplace_back();
        const auto peer = os::peer_of(client.descriptor);
        asio::local::stream_protocol::socket socket(house_.io);
        boost::system::error_code error;
        socket.assign(asio::local::stream_protocol(), client.descriptor, error);
        if (!peer || error) {
            if (error) ::close(client.descriptor);
            continue;
        }
        session = make_session(std::move(socket), *peer);
        if (client.subscribed) events_.go_on(session);
    }
    pending_.take_over(handover, sessions);
    std::optional<Id> id;
    if (handover.upgrader && *handover.upgrader < sessions.size() &&
        body_of(protocol::parse_answer<protocol::Accepted>(handover.upgrader_message), id) && id &&
        sessions[*handover.upgrader]) {
        upgrader_ = Upgrader{sessions[*handover.upgrader], *id, handover.version};
    }
    // Requests that it has sent already are answered once it is the turn of clients.
    for (std::size_t place = 0; place < sessions.size(); ++place) {
        if (sessions[place]) sessions[place]->start(handover.clients[place].input);
    }
}

void Control::tell_upgraded() {
    if (!upgrader_) return;
    const auto upgrader = std::exchange(upgrader_, std::nullopt);
    upgrader->session->send(protocol::encode_result(
        upgrader->id,
        protocol::Upgraded{upgrader->before, std::string(house_.info.version), ::getpid()}));
}

}  // namespace reeve::shell
