#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "supervisor/os/peer.h"
#include "supervisor/shell/asio.h"

namespace reeve::shell {

/// One client's connection: lines in, lines out. Ends when the client goes, sends a line that is
/// too long, or leaves too much unread. One that only says nothing more is still told what it has
/// asked for: whoever has something for it to come keeps it alive.
class Session : public std::enable_shared_from_this<Session> {
  public:
    using Line = std::function<void(const std::shared_ptr<Session>&, std::string_view)>;
    /// Called once, when the connection has ended.
    using OnClose = std::function<void(Session*)>;

    Session(asio::local::stream_protocol::socket socket, os::Peer peer, Line line,
            OnClose on_close);
    ~Session();

    const os::Peer& peer() const { return peer_; }
    /// `input`: what was read of it before, by another program in this process.
    void start(std::string input = {});
    /// Queues one message, newline included.
    void send(std::string message);
    /// Takes no more requests while so much of the answers is unread; a client that goes on not
    /// reading is cut off.
    static constexpr std::size_t most_unread = 1u << 20;

    bool is_open() const { return socket_.is_open(); }
    int descriptor() { return socket_.native_handle(); }
    /// What has come and is no whole line yet, or not its turn.
    const std::string& input() const { return input_; }
    /// How many bytes the client has not taken yet.
    std::size_t unsent() const { return unsent_; }
    /// Calls once, as soon as nothing is unsent any more; not if the client goes, when it lets go
    /// of the function.
    void when_drained(std::function<void()> drained) { drained_ = std::move(drained); }
    /// Sends what is queued and hangs up.
    void close_after_sending();
    void close();

  private:
    asio::awaitable<void> read();
    boost::system::error_code take_in();
    void refuse_size();
    void await_hang_up();
    asio::awaitable<bool> await_room();
    void write();

    asio::local::stream_protocol::socket socket_;
    os::Peer peer_;
    Line line_;
    OnClose on_close_;
    std::string input_;
    std::deque<std::string> output_;
    std::size_t sent_ = 0;  // of the first
    std::size_t unsent_ = 0;
    bool writing_ = false;
    std::function<void()> drained_;
    asio::steady_timer room_;
    bool closing_ = false;
};

}  // namespace reeve::shell
