#include "supervisor/log/loop.h"

#include <fcntl.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace reeve::log {

namespace {

constexpr Duration kRest = 1ms;
constexpr int kBusyCapacity = 1 << 20;

Time monotonic_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return Time(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace

Loop::Loop(Mailbox& mailbox, Watches& watches, Spool spool, const CollectorOptions& options,
           Fd epoll)
    : mailbox_(mailbox),
      watches_(watches),
      spool_(std::move(spool)),
      writer_(options.log_dir, options.console_fd, options.syslog_path, options.on_problem),
      report_(options.on_problem),
      spare_for_(options.spare_for),
      epoll_(std::move(epoll)),
      queues_{{{&writer_.console(), {}, {}}, {&writer_.syslog(), {}, {}}}} {}

Result<std::unique_ptr<Loop>> Loop::make(Mailbox& mailbox, Watches& watches, Spool spool,
                                         const CollectorOptions& options) {
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event bell{EPOLLIN, {.ptr = nullptr}};
    if (!epoll || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, mailbox.fd(), &bell) != 0) {
        return system_error("cannot watch log pipes");
    }
    return std::unique_ptr<Loop>(
        new Loop(mailbox, watches, std::move(spool), options, std::move(epoll)));
}

void Loop::run() {
    now_ = monotonic_now();
    recover();
    while (!stopping_ || !drains_.empty()) {
        if (wait()) {
            for (Message& message : mailbox_.take()) {
                std::visit([this](auto&& told) { handle(std::move(told)); }, std::move(message));
            }
        }
        // Those that become ready meanwhile have their turn after the next look at the others.
        for (std::size_t turns = ready_.size(); turns > 0 && !ready_.empty(); --turns) {
            Stream& stream = *ready_.front();
            ready_.pop_front();
            now_ = monotonic_now();
            serve(stream);
        }
        complete_drains();
    }
    spool_.discard();
}

/// Collects what is ready; true: there are messages.
bool Loop::wait() {
    std::array<epoll_event, 256> events;
    int timeout = -1;
    const auto until = [&](Time when) {
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(when - now_).count();
        const int wanted = static_cast<int>(std::max<std::int64_t>(ms, 0));
        if (timeout < 0 || wanted < timeout) timeout = wanted;
    };
    if (!ready_.empty()) timeout = 0;
    if (!resting_.empty()) until(resting_.front()->due);
    for (const SinkQueue& queue : queues_) {
        if (queue.deadline) until(*queue.deadline);
    }

    if (!give_back_at_ && spool_.has_spare()) give_back_at_ = now_ + spare_for_;
    if (give_back_at_) until(*give_back_at_);

    const int n =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
    now_ = monotonic_now();
    bool messages = false;
    for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr) {
            messages = true;
        } else if (event.data.ptr == &queues_[0] || event.data.ptr == &queues_[1]) {
            moved(*static_cast<SinkQueue*>(event.data.ptr));
        } else {
            Stream& stream = *static_cast<Stream*>(event.data.ptr);
            if ((event.events & EPOLLHUP) != 0) stream.hung_up = true;
            enqueue(stream);
        }
    }
    while (!resting_.empty() && resting_.front()->due <= now_) {
        Stream& stream = *resting_.front();
        resting_.pop_front();
        stream.place = Stream::Place::Idle;
        enqueue(stream);
    }
    for (SinkQueue& queue : queues_) {
        if (!queue.deadline || *queue.deadline > now_) continue;
        queue.sink->give_up();
        moved(queue);
    }
    if (give_back_at_ && *give_back_at_ <= now_) {
        spool_.give_back();
        give_back_at_.reset();
    }
    return messages;
}

void Loop::serve(Stream& stream) {
    const std::size_t available = stream.pending();
    if (available > 0 && !hold(stream)) {
        rest(stream);
        return;
    }
    const std::size_t got = available > 0 ? fill(stream, available) : 0;
    const bool finishing = stream.finish_at && (available == 0 || stream.read >= *stream.finish_at);
    stream.place = Stream::Place::Idle;
    if (Sink* stuck = writer_.write(stream, finishing ? Tail::Finish : Tail::Keep, now_)) {
        wait_for(*stuck, stream);
        return;
    }
    if (finishing) stream.finish_at.reset();
    if (stream.slot != nullptr && stream.slot->unwritten().empty()) let_go(stream);
    next_place(stream, available, got);
}

std::size_t Loop::fill(Stream& stream, std::size_t available) {
    const auto watching = watches_.lock();
    const auto got = spool_.fill(*stream.slot, stream.pipe.get(), available);
    if (!got) {
        report_(got.error().text() + " of " + stream.service->name + ", giving it up");
        detach(stream);
        return 0;
    }
    stream.read += *got;
    const std::string_view unwritten = stream.slot->unwritten();
    watches_.show(stream.service->name, stream.source, unwritten.substr(unwritten.size() - *got));
    return *got;
}

void Loop::next_place(Stream& stream, std::size_t available, std::size_t got) {
    const bool busy = now_ - stream.served < 2 * kRest;
    if (available > got || (stream.finish_at && stream.pipe)) {
        if (got > 0) stream.served = now_;
        enqueue(stream);
    } else if (got == 0) {
        // Nothing came during a whole rest: the epoll is cheaper.
        if (now_ - stream.served < kRest) {
            rest(stream);
        } else {
            watch(stream);
        }
    } else {
        stream.served = now_;
        if (stream.capacity == 0) {
            stream.capacity = static_cast<std::uint32_t>(::fcntl(stream.pipe.get(), F_GETPIPE_SZ));
        }
        if (got >= stream.capacity / 2) raise_capacity(stream);
        // A writer that could fill the pipe while we rest would have to wait for us.
        if (got >= stream.capacity / 4) {
            enqueue(stream);
        } else if (busy) {
            rest(stream);
        } else {
            watch(stream);
        }
    }
}

/// A service that fills its pipe gets a larger one, as far as its user may have it.
void Loop::raise_capacity(Stream& stream) {
    if (stream.capacity >= kBusyCapacity) return;
    const int raised = ::fcntl(stream.pipe.get(), F_SETPIPE_SZ, kBusyCapacity);
    if (raised > 0) stream.capacity = static_cast<std::uint32_t>(raised);
}

void Loop::enqueue(Stream& stream) {
    if (stream.place == Stream::Place::Ready || stream.place == Stream::Place::AtSink) return;
    if (stream.place == Stream::Place::Resting) std::erase(resting_, &stream);
    stream.place = Stream::Place::Ready;
    ready_.push_back(&stream);
}

void Loop::rest(Stream& stream) {
    stream.place = Stream::Place::Resting;
    stream.due = now_ + kRest;
    resting_.push_back(&stream);
}

void Loop::watch(Stream& stream) {
    // Without a writer it would report the hang-up for ever; open() says when there is one again.
    if (!stream.pipe || stream.hung_up) return;
    epoll_event event{EPOLLIN | EPOLLONESHOT, {.ptr = &stream}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, stream.pipe.get(), &event) == 0) return;
    report_("cannot watch a log pipe of " + stream.service->name + ": " +
            Error::strerrordesc(errno));
}

void Loop::wait_for(Sink& sink, Stream& stream) {
    SinkQueue& queue = queues_[&sink == queues_[0].sink ? 0 : 1];
    stream.place = Stream::Place::AtSink;
    queue.streams.push_back(&stream);
    if (queue.deadline) return;
    queue.deadline = now_ + Sink::kPatience;
    epoll_event event{EPOLLOUT | EPOLLONESHOT, {.ptr = &queue}};
    // What epoll does not take is tried again when patience ends.
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, sink.fd(), &event) != 0) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, sink.fd(), &event);
    }
}

void Loop::moved(SinkQueue& queue) {
    queue.deadline.reset();
    for (Stream* stream : std::exchange(queue.streams, {})) {
        stream->place = Stream::Place::Idle;
        enqueue(*stream);
    }
}

/// Takes a stream out of every queue.
void Loop::leave(Stream& stream) {
    std::erase(ready_, &stream);
    std::erase(resting_, &stream);
    for (SinkQueue& queue : queues_) std::erase(queue.streams, &stream);
    stream.place = Stream::Place::Idle;
}

}  // namespace reeve::log
