#include "supervisor/shell/session.h"

#include "ctl/protocol/message.h"

namespace reeve::shell {

namespace {

/// A client that has left this much unread is not reading.
constexpr std::size_t max_unsent = 16u << 20;

/// So is one that has not taken what it asked for after this long.
constexpr auto unread_patience = std::chrono::seconds(60);

}  // namespace

Session::Session(asio::local::stream_protocol::socket socket, os::Peer peer, Line line,
                 OnClose on_close)
    : socket_(std::move(socket)),
      peer_(std::move(peer)),
      line_(std::move(line)),
      on_close_(std::move(on_close)),
      room_(socket_.get_executor()) {}

Session::~Session() { close(); }

void Session::start() {
    asio::co_spawn(
        socket_.get_executor(), [self = shared_from_this()] { return self->read(); },
        asio::detached);
}

asio::awaitable<void> Session::read() {
    // The frame is destroyed before the coroutine's function object, which holds us.
    const auto self = shared_from_this();
    for (;;) {
        boost::system::error_code error;
        const std::size_t size = co_await asio::async_read_until(
            socket_, asio::dynamic_buffer(input_, protocol::max_request_size), '\n',
            asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::not_found) {
            protocol::Failure failure;
            failure.code = protocol::ErrorCode::InvalidRequest;
            failure.message = "request over " + std::to_string(protocol::max_request_size) +
                              " bytes; the connection is closed";
            send(protocol::encode_error(std::nullopt, failure));
            close_after_sending();
            co_return;
        }
        if (error == asio::error::eof) {
            self->await_hang_up();
            co_return;
        }
        // A client that goes with an answer unread resets the connection.
        if (error) self->close();
        if (closing_) co_return;
        line_(self, std::string_view(input_).substr(0, size));
        input_.erase(0, size);
        if (!co_await await_room()) co_return;
    }
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
    if (output_.size() == 1) write();
}

void Session::write() {
    asio::async_write(
        socket_, asio::buffer(output_.front()),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
            if (error || !self->socket_.is_open()) return self->close();
            self->unsent_ -= self->output_.front().size();
            self->output_.pop_front();
            if (self->unsent_ <= most_unread) self->room_.cancel();
            if (!self->output_.empty()) return self->write();
            if (self->closing_) return self->close();
            if (const auto drained = std::exchange(self->drained_, nullptr)) drained();
        });
}

void Session::close_after_sending() {
    closing_ = true;
    if (output_.empty()) close();
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
