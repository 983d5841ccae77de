#include "supervisor/shell/notify.h"

#include <bit>

#include "supervisor/os/notify_message.h"

namespace reeve::shell {

namespace {

/// Of one visit: whoever sends faster than we read keeps nobody else waiting.
constexpr std::size_t most_at_once = 32;

}  // namespace

Result<std::unique_ptr<NotifyChannel>> NotifyChannel::open(asio::io_context& io,
                                                           Listener listener) {
    auto socket = os::NotifySocket::open();
    if (!socket) return socket.error();
    asio::posix::stream_descriptor watched(io);
    boost::system::error_code error;
    watched.assign(socket->fd(), error);
    if (error) return system_error("cannot watch the notification socket", error.value());
    (void)socket->release();
    return std::unique_ptr<NotifyChannel>(
        new NotifyChannel(socket->name(), std::move(watched), std::move(listener)));
}

NotifyChannel::NotifyChannel(std::string name, asio::posix::stream_descriptor socket,
                             Listener listener)
    : name_(std::move(name)), socket_(std::move(socket)), listener_(std::move(listener)) {
    await();
}

void NotifyChannel::await() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                           if (error) return;
                           read(most_at_once);
                           await();
                       });
}

void NotifyChannel::read(std::size_t most) {
    for (; most > 0; --most) {
        const auto datagram = os::NotifySocket::receive(socket_.native_handle());
        if (!datagram) return;
        take(*datagram);
    }
}

void NotifyChannel::drop(const std::string& why) {
    // Anybody may send, and as often as he likes: said at the first, second, fourth, eighth ...
    if (std::has_single_bit(++dropped_)) {
        listener_.dropped(why + " (number " + std::to_string(dropped_) + ")");
    }
}

void NotifyChannel::take(const os::NotifyDatagram& datagram) {
    if (!listener_.is_member(datagram.pid)) {
        return drop("process " + std::to_string(datagram.pid) + " is not of the service");
    }
    const auto message = os::parse_notify_message(datagram);
    if (!message) return drop(message.error().text());
    core::Notified notified;
    for (const auto& [key, value] : *message) {
        if (key == "STATUS") notified.status = value;
        if (key == "READY" && value == "1") notified.ready = true;
    }
    listener_.notified(std::move(notified));
}

}  // namespace reeve::shell
