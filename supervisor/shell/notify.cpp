#include "supervisor/shell/notify.h"

#include "supervisor/os/notify_message.h"

namespace reeve::shell {

Result<std::unique_ptr<NotifyChannel>> NotifyChannel::open(asio::io_context& io,
                                                           Listener listener) {
    auto socket = os::NotifySocket::open();
    if (!socket) return socket.error();
    return std::unique_ptr<NotifyChannel>(
        new NotifyChannel(io, std::move(*socket), std::move(listener)));
}

NotifyChannel::NotifyChannel(asio::io_context& io, os::NotifySocket socket, Listener listener)
    : name_(socket.name()), socket_(io, socket.release()), listener_(std::move(listener)) {
    await();
}

void NotifyChannel::await() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                           if (error) return;
                           read();
                           await();
                       });
}

void NotifyChannel::read() {
    while (const auto datagram = os::NotifySocket::receive(socket_.native_handle()))
        take(*datagram);
}

void NotifyChannel::take(const os::NotifyDatagram& datagram) {
    if (!listener_.is_member(datagram.pid)) {
        return listener_.dropped("process " + std::to_string(datagram.pid) +
                                 " is not of the service");
    }
    const auto message = os::parse_notify_message(datagram);
    if (!message) return listener_.dropped(message.error().text());
    for (const auto& [key, value] : *message) {
        if (key == "STATUS") listener_.status(value);
        if (key == "READY" && value == "1") listener_.ready();
    }
}

}  // namespace reeve::shell
