#include "supervisor/shell/notify.h"

#include <bit>
#include <utility>

#include "supervisor/os/notify_message.h"
#include "supervisor/os/pidfd.h"
#include "supervisor/os/process_entry.h"

namespace reeve::shell {

namespace {

/// Of one visit: whoever sends faster than we read keeps nobody else waiting.
constexpr std::size_t most_at_once = 32;

/// Whether the sender has not been reaped yet, so that its number is still its own.
bool is_there(const os::NotifyDatagram& datagram) {
    if (datagram.pidfd) return os::has_process(datagram.pidfd.get());
    return os::read_process(datagram.pid).has_value();
}

core::Notified notified_by(const os::NotifyMessage& message) {
    core::Notified notified;
    notified.ready = message.ready;
    notified.reloading = message.reloading;
    if (message.reloading) notified.reloading_since = message.reloading_since;
    notified.stopping = message.stopping;
    notified.status = message.status;
    notified.errnum = message.errnum;
    switch (message.watchdog) {
        case os::NotifyMessage::Watchdog::Nothing:
            break;
        case os::NotifyMessage::Watchdog::Alive:
            notified.watchdog = core::Notified::Watchdog::Alive;
            break;
        case os::NotifyMessage::Watchdog::Trigger:
            notified.watchdog = core::Notified::Watchdog::Trigger;
            break;
    }
    notified.watchdog_interval = message.watchdog_interval;
    notified.extend_timeout = message.extend_timeout;
    notified.restart_reset = message.restart_reset;
    return notified;
}

}  // namespace

Result<std::unique_ptr<NotifyChannel>> NotifyChannel::open(asio::io_context& io,
                                                           os::NotifySocket socket,
                                                           Listener listener) {
    asio::posix::stream_descriptor watched(io);
    boost::system::error_code error;
    watched.assign(socket.fd(), error);
    if (error) return system_error("cannot watch the notification socket", error.value());
    (void)socket.release();
    return std::unique_ptr<NotifyChannel>(
        new NotifyChannel(socket.name(), std::move(watched), std::move(listener)));
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
        auto datagram = os::NotifySocket::receive(socket_.native_handle());
        if (!datagram) return;
        take(std::move(*datagram));
    }
}

void NotifyChannel::drop(const std::string& why) {
    // Anybody may send, and as often as he likes: said at the first, second, fourth, eighth ...
    if (std::has_single_bit(++dropped_)) {
        listener_.dropped(why + " (number " + std::to_string(dropped_) + ")");
    }
}

bool NotifyChannel::is_from_service(const os::NotifyDatagram& datagram) const {
    if (datagram.pid <= 0) return false;
    const bool member = listener_.is_member(datagram.pid);
    // Only now, so that it was asked of the sender and not of whoever has its number by now.
    if (is_there(datagram)) return member;
    const auto own = listener_.cgroup();
    const auto cgroup = datagram.pidfd ? os::cgroup_of(datagram.pidfd.get()) : std::nullopt;
    if (own && cgroup) return *own == *cgroup;
    return datagram.uid == 0 || datagram.uid == listener_.user;
}

void NotifyChannel::take(os::NotifyDatagram datagram) {
    if (!is_from_service(datagram)) {
        return drop("process " + std::to_string(datagram.pid) + " is not of the service");
    }
    const auto message = os::parse_notify_message(datagram);
    if (!message) return drop(message.error().text());
    if (message->barrier) return listener_.barrier(std::move(datagram.descriptors.front()));
    // First, so that it is the new main process that is ready.
    if (message->main_pid) listener_.main_named(*message->main_pid);
    listener_.notified(notified_by(*message));
}

}  // namespace reeve::shell
