#include "supervisor/shell/holding.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "supervisor/shell/clock.h"
#include "supervisor/shell/resumed.h"

namespace reeve::shell {

namespace {

/// One that dies again and again is not replaced more often.
constexpr Duration between_starts = 1s;
/// To try may take a second, and what it needs is not had soon.
constexpr Duration between_failures = 10s;
/// Of what is handed over again, so many descriptors at once are ours as well.
constexpr std::size_t batch = 200;

os::Holder::Key key_of(Holding::Kind kind, std::uint64_t id) {
    return {static_cast<std::uint32_t>(kind), id};
}

Fd copy_of(int descriptor) { return Fd(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3)); }

}  // namespace

Holding::Holding(asio::io_context& io, Children& children, OwnLog& log)
    : io_(io), children_(children), log_(log), connection_(io), pause_(io) {}

void Holding::begin(os::Spawner& spawner, const std::string& runtime_dir) {
    spawner_ = &spawner;
    path_ = runtime_dir + "/holder";
    find();
    if (!holder_) start();
}

void Holding::find() {
    auto found = os::Holder::find(path_);
    if (!found || !*found) return;
    auto left = (*found)->take_all();
    if (!left) return log_.warning(left.error().text() + "; another one is started");
    holder_ = std::move(**found);
    for (os::Holder::Held& held : *left) {
        left_[{static_cast<Kind>(held.key.kind), held.key.id}] = std::move(held.fd);
    }
    watch();
}

void Holding::start() {
    tried_ = now();
    auto started = os::Holder::start(*spawner_, path_);
    if (!started) return failed(started.error());
    holder_ = std::move(*started);
    watch();
    again_.clear();
    for (const auto& [key, kept] : kept_) again_.push_back(key);
    flush_soon();
    if (!lost_why_.empty()) {
        log_.warning("the holder of descriptors was lost: " + std::exchange(lost_why_, {}) +
                     "; another one has been given all that it had");
    } else if (failing_) {
        log_.info("there is a holder of descriptors now");
    }
    failing_ = false;
}

void Holding::failed(const Error& why) {
    std::string line;
    if (!lost_why_.empty()) line = "the holder of descriptors was lost: " + lost_why_ + "; ";
    lost_why_.clear();
    if (std::exchange(failing_, true)) return;
    line += why.text();
    line += "; until there is one, what services write and say while no supervisor is there is ";
    line += "lost. It is tried again on SIGHUP and when a service is started";
    log_.error(line);
}

/// It is our child, or was a predecessor's.
void Holding::watch() {
    const pid_t pid = holder_->pid();
    struct stat status {};
    const bool found = ::lstat(path_.c_str(), &status) == 0;
    device_ = found ? status.st_dev : 0;
    inode_ = found ? status.st_ino : 0;
    children_.expect(
        pid, [this, pid](const os::Ended& end) { lost(pid, "it was " + end.status.text()); });
    Fd copy = copy_of(holder_->fd());
    boost::system::error_code error;
    if (copy) connection_.assign(copy.get(), error);
    if (!copy || error) return;
    (void)copy.release();
    connection_.async_wait(asio::posix::stream_descriptor::wait_error,
                           [this, pid](const boost::system::error_code& cancelled) {
                               if (!cancelled) lost(pid, "it has ended");
                           });
}

bool Holding::is_reachable() const {
    struct stat status {};
    return ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
           status.st_ino == inode_;
}

void Holding::restore() {
    if (spawner_ == nullptr || (holder_ && is_reachable())) return;
    if (holder_) {
        lost_why_ = "its socket " + path_ + " was gone";
        holder_->end();
        let_go();
    }
    replace();
}

/// Its end may be seen in more ways than one.
void Holding::lost(pid_t holder, std::string why) {
    if (!holder_ || holder_->pid() != holder) return;
    lost_why_ = std::move(why);
    let_go();
    // It may be a sweep of children that calls us.
    asio::post(io_, [this] { replace(); });
}

void Holding::let_go() {
    children_.forget(holder_->pid());
    holder_.reset();
    boost::system::error_code ignored;
    connection_.close(ignored);
    flushing_ = false;
}

void Holding::replace() {
    if (spawner_ == nullptr || holder_) return;
    const Duration left = tried_ + between_starts - now();
    if (left <= Duration::zero()) return start();
    pause_.expires_after(left);
    pause_.async_wait([this](const boost::system::error_code& error) {
        if (!error) replace();
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
    if (spawner_ == nullptr) return;
    kept_[{kind, id}] = {descriptor, {}};
    hand_over({kind, id}, copy_of(descriptor));
}

void Holding::keep(std::uint64_t tree, const state::Process& main, int pidfd) {
    if (spawner_ == nullptr) return;
    kept_[{Kind::Process, tree}] = {-1, main};
    hand_over({Kind::Process, tree}, copy_of(pidfd));
}

void Holding::hand_over(const Key& key, Fd copy) {
    left_.erase(key);
    if (failing_ && now() >= tried_ + between_failures) start();
    if (!holder_ || !copy) return;
    holder_->keep(key_of(key.first, key.second), std::move(copy));
    flush_soon();
}

void Holding::drop(Kind kind, std::uint64_t id) {
    kept_.erase({kind, id});
    if (!holder_) return;
    holder_->drop(key_of(kind, id));
    flush_soon();
}

void Holding::hand_over_again() {
    for (std::size_t i = 0; i < batch && !again_.empty(); ++i) {
        const Key key = again_.front();
        again_.pop_front();
        const auto found = kept_.find(key);
        if (found == kept_.end()) continue;
        const Kept& kept = found->second;
        Fd copy = kept.descriptor >= 0 ? copy_of(kept.descriptor) : find_process(kept.process);
        if (copy) holder_->keep(key_of(key.first, key.second), std::move(copy));
    }
}

/// What comes at once goes together.
void Holding::flush_soon() {
    if (std::exchange(flushing_, true)) return;
    asio::post(io_, [this] { flush(); });
}

void Holding::flush() {
    flushing_ = false;
    if (!holder_) return;
    do {
        hand_over_again();
        const auto flushed = holder_->flush();
        if (!flushed) return lost(holder_->pid(), flushed.error().text());
        if (!*flushed) return await_room();
    } while (!again_.empty());
}

/// Seldom: it takes in what it is given as it comes.
void Holding::await_room() {
    if (!connection_.is_open() || std::exchange(flushing_, true)) return;
    connection_.async_wait(asio::posix::stream_descriptor::wait_write,
                           [this](const boost::system::error_code& error) {
                               if (!error) flush();
                           });
}

void Holding::end() {
    spawner_ = nullptr;
    pause_.cancel();
    kept_.clear();
    if (!holder_) return;
    holder_->end();
    let_go();
}

}  // namespace reeve::shell
