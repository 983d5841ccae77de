#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "supervisor/os/peer.h"
#include "supervisor/shell/asio.h"

namespace reeve::shell {

/// One client's connection: lines in, lines out. Lives until the client goes, sends a line that is
/// too long, or leaves too much unread.
class Session : public std::enable_shared_from_this<Session> {
  public:
    using Line = std::function<void(const std::shared_ptr<Session>&, std::string_view)>;

    Session(asio::local::stream_protocol::socket socket, os::Peer peer, Line line,
            std::function<void()> closed);
    ~Session();

    const os::Peer& peer() const { return peer_; }
    void start();
    /// Queues one message, newline included.
    void send(std::string message);
    /// How many bytes the client has not taken yet.
    std::size_t unsent() const { return unsent_; }
    /// Calls once, as soon as nothing is unsent any more; not if the client goes.
    void when_drained(std::function<void()> drained) { drained_ = std::move(drained); }
    /// Sends what is queued and hangs up.
    void close_after_sending();

  private:
    asio::awaitable<void> read();
    void write();
    void close();

    asio::local::stream_protocol::socket socket_;
    os::Peer peer_;
    Line line_;
    std::function<void()> closed_;
    std::string input_;
    std::deque<std::string> output_;
    std::size_t unsent_ = 0;
    std::function<void()> drained_;
    bool closing_ = false;
};

}  // namespace reeve::shell
