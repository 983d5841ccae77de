#include "supervisor/shell/holding.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace reeve::shell {

namespace {

os::Holder::Key key_of(Holding::Kind kind, std::uint64_t id) {
    return {static_cast<std::uint32_t>(kind), id};
}

}  // namespace

Holding::Holding(asio::io_context& io, Children& children, OwnLog& log)
    : io_(io), children_(children), log_(log), connection_(io) {}

void Holding::begin(os::Spawner& spawner, const std::string& runtime_dir) {
    const std::string path = runtime_dir + "/holder";
    if (auto found = os::Holder::find(path); found && *found) {
        if (auto left = (*found)->take_all()) {
            holder_ = std::move(**found);
            for (os::Holder::Held& held : *left) {
                left_[{static_cast<Kind>(held.key.kind), held.key.id}] = std::move(held.fd);
            }
        } else {
            log_.warning(left.error().text() + "; another one is started");
        }
    }
    if (!holder_) {
        auto started = os::Holder::start(spawner, path);
        if (!started) {
            return log_.warning(started.error().text() +
                                "; what is said while no supervisor is there is lost");
        }
        holder_ = std::move(*started);
    }
    // It is ours, or was a predecessor's.
    children_.expect(holder_->pid(), [this](const os::Ended& end) {
        if (holder_) lost(error("it was " + end.status.text()));
    });
}

Fd Holding::take(Kind kind, std::uint64_t id) {
    auto found = left_.extract({kind, id});
    return found.empty() ? Fd() : std::move(found.mapped());
}

void Holding::drop_rest() {
    for (const auto& [key, fd] : std::exchange(left_, {})) drop(key.first, key.second);
}

void Holding::keep(Kind kind, std::uint64_t id, int descriptor) {
    if (!holder_) return;
    left_.erase({kind, id});
    Fd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
    if (!copy) return;
    holder_->keep(key_of(kind, id), std::move(copy));
    flush_soon();
}

void Holding::drop(Kind kind, std::uint64_t id) {
    if (!holder_) return;
    holder_->drop(key_of(kind, id));
    flush_soon();
}

/// What comes at once goes together.
void Holding::flush_soon() {
    if (std::exchange(flushing_, true)) return;
    asio::post(io_, [this] { flush(); });
}

void Holding::flush() {
    flushing_ = false;
    if (!holder_) return;
    const auto flushed = holder_->flush();
    if (!flushed) return lost(flushed.error());
    if (!*flushed) await_room();
}

/// Seldom: it takes in what it is given as it comes.
void Holding::await_room() {
    if (std::exchange(flushing_, true)) return;
    if (!connection_.is_open()) {
        Fd copy(::fcntl(holder_->fd(), F_DUPFD_CLOEXEC, 3));
        boost::system::error_code error;
        if (copy) connection_.assign(copy.get(), error);
        flushing_ = copy && !error;
        if (!flushing_) return;
        (void)copy.release();
    }
    connection_.async_wait(asio::posix::stream_descriptor::wait_write,
                           [this](const boost::system::error_code& error) {
                               if (!error) flush();
                           });
}

void Holding::lost(const Error& why) {
    log_.warning("the holder of descriptors is gone: " + why.text() +
                 "; what is said while no supervisor is there is lost");
    children_.forget(holder_->pid());
    boost::system::error_code ignored;
    connection_.close(ignored);
    holder_.reset();
}

void Holding::end() {
    if (!holder_) return;
    children_.forget(holder_->pid());
    holder_->end();
    holder_.reset();
    boost::system::error_code ignored;
    connection_.close(ignored);
}

}  // namespace reeve::shell
