#include "supervisor/shell/session.h"

#include <algorithm>

#include "ctl/protocol/message.h"

namespace reeve::shell {

namespace {

/// A client that has left this much unread is not reading.
constexpr std::size_t max_unsent = 16u << 20;

/// So much is read from one before others get their turn.
constexpr std::size_t most_at_once = 16u << 10;

/// So is one that has not taken what it asked for after this long.
constexpr auto unread_patience = std::chrono::seconds(60);

}  // namespace

Session::Session(asio::local::stream_protocol::socket socket, os::Peer peer, Line line,
                 OnClose on_close)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      line_(std::move(line)),
      on_close_(std::move(on_close)),
      room_(socket_.get_executor()) {
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
}

Session::~Session() { close(); }

void Session::start(std::string input) {
    input_ = std::move(input);
    asio::co_spawn(
        socket_.get_executor(), [self = shared_from_this()] { return self->read(); },
        asio::detached);
}

asio::awaitable<void> Session::read() {
    // The frame is destroyed before the coroutine's function object, which holds us.
    const auto self = shared_from_this();
    for (;;) {
        const std::size_t newline = input_.find('\n');
        boost::system::error_code error;
        if (newline != std::string::npos) {
            line_(self, std::string_view(input_).substr(0, newline + 1));
            input_.erase(0, newline + 1);
            if (!co_await await_room()) co_return;
            // Whoever asks much at once gets no more turns than others.
            co_await asio::post(socket_.get_executor(), asio::use_awaitable);
            continue;
        }
        if (input_.size() >= protocol::max_request_size) {
            refuse_size();
            co_return;
        }
        co_await socket_.async_wait(asio::socket_base::wait_read,
                                    asio::redirect_error(asio::use_awaitable, error));
        if (!error && !closing_) error = take_in();
        if (error == asio::error::eof) {
            self->await_hang_up();
            co_return;
        }
        // A client that goes with an answer unread resets the connection.
        if (error && error != asio::error::would_block) self->close();
        if (closing_) co_return;
    }
}

boost::system::error_code Session::take_in() {
    const std::size_t before = input_.size();
    const std::size_t room = std::min(protocol::max_request_size - before, most_at_once);
    boost::system::error_code error;
    input_.resize(before + room);
    const std::size_t size = socket_.read_some(asio::buffer(input_.data() + before, room), error);
    input_.resize(before + size);
    return error;
}

void Session::refuse_size() {
    protocol::Failure failure;
    failure.code = protocol::ErrorCode::InvalidRequest;
    failure.message = "request over " + std::to_string(protocol::max_request_size) +
                      " bytes; the connection is closed";
    send(protocol::encode_error(std::nullopt, failure));
    close_after_sending();
}

asio::awaitable<bool> Session::await_room() {
    const auto self = shared_from_this();
    while (socket_.is_open() && unsent_ > most_unread) {
        const std::size_t before = unsent_;
        boost::system::error_code error;
        room_.expires_after(unread_patience);
        co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, error));
        if (!error && unsent_ >= before) close();
    }
    co_return socket_.is_open();
}

/// A client that has gone altogether must not keep its place until something is told to it.
void Session::await_hang_up() {
    socket_.async_wait(asio::socket_base::wait_error,
                       [weak = weak_from_this()](const boost::system::error_code& error) {
                           const auto self = weak.lock();
                           if (self && !error) self->close();
                       });
}

void Session::send(std::string message) {
    if (closing_) return;
    // What comes on top counts, so that one large answer by itself passes.
    if (unsent_ > max_unsent) return close();
    unsent_ += message.size();
    output_.push_back(std::move(message));
    if (!std::exchange(writing_, true)) write();
}

/// What was sent is known at any moment, as nothing is under way between two calls.
void Session::write() {
    boost::system::error_code error;
    while (!output_.empty()) {
        const std::string& first = output_.front();
        const std::size_t size =
            socket_.write_some(asio::buffer(first.data() + sent_, first.size() - sent_), error);
        if (error) break;
        sent_ += size;
        unsent_ -= size;
        if (sent_ < first.size()) continue;
        output_.pop_front();
        sent_ = 0;
    }
    if (unsent_ <= most_unread) room_.cancel();
    const auto then = [self = shared_from_this()](const boost::system::error_code& failed) {
        if (failed || !self->socket_.is_open()) return self->close();
        if (!self->output_.empty()) return self->write();
        self->writing_ = false;
        if (self->closing_) return self->close();
        if (const auto drained = std::exchange(self->drained_, nullptr)) drained();
    };
    if (error == asio::error::would_block) {
        socket_.async_wait(asio::socket_base::wait_write, then);
    } else {
        // Whoever sends shall not see it go.
        asio::post(socket_.get_executor(), [then, error] { then(error); });
    }
}

void Session::close_after_sending() {
    closing_ = true;
    if (!writing_) close();
}

void Session::close() {
    closing_ = true;
    if (const auto on_close = std::exchange(on_close_, nullptr)) on_close(this);
    boost::system::error_code ignored;
    socket_.close(ignored);
    room_.cancel();
    drained_ = nullptr;
}

}  // namespace reeve::shell
