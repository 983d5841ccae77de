#include "supervisor/log/loop.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "supervisor/log/clock.h"

namespace reeve::log {

namespace {

constexpr Duration kRest = 1ms;
constexpr int kBusyCapacity = 1 << 20;

}  // namespace

Loop::Loop(Mailbox& mailbox, Watches& watches, Troubles& troubles, Spool spool,
           const CollectorOptions& options, Fd epoll, std::unique_ptr<Disk> disk)
    : mailbox_(mailbox),
      watches_(watches),
      spool_(std::move(spool)),
      disk_(std::move(disk)),
      troubles_(troubles),
      writer_(options.log_dir, options.console_fd, options.syslog_path, *disk_, troubles,
              spool_.ledger(), options.on_problem),
      report_(options.on_problem),
      spare_for_(options.spare_for),
      epoll_(std::move(epoll)),
      queues_{{{&writer_.console(), {}, {}}, {&writer_.syslog(), {}, {}}}} {}

Result<std::unique_ptr<Loop>> Loop::make(Mailbox& mailbox, Watches& watches, Troubles& troubles,
                                         Spool spool, const CollectorOptions& options) {
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event bell{EPOLLIN, {.ptr = nullptr}};
    if (!epoll || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, mailbox.fd(), &bell) != 0) {
        return system_error("cannot watch log pipes");
    }
    auto disk = Disk::make([&mailbox] { mailbox.ring(); });
    if (!disk) return disk.error();
    std::unique_ptr<Loop> loop(new Loop(mailbox, watches, troubles, std::move(spool), options,
                                        std::move(epoll), std::move(*disk)));
    Archive& archive = loop->writer_.archive();
    epoll_event notices{EPOLLIN, {.ptr = &archive}};
    if (::epoll_ctl(loop->epoll_.get(), EPOLL_CTL_ADD, archive.fd(), &notices) != 0) {
        return system_error("cannot watch what becomes of log files");
    }
    return loop;
}

void Loop::run() {
    const auto held = disk_->hold();
    now_ = monotonic_now();
    writer_.begin();
    recover();
    while (!is_over()) {
        round();
        tend();
    }
    tell_what_is_missing();
    spool_.discard();
    disk_->end();
}

void Loop::stand_in() {
    while (const auto held = disk_->stand_in()) {
        now_ = monotonic_now();
        for (Stream* stream : in_hand_) {
            writer_.find_disk_silent(*stream->service, now_);
            if (!writer_.may_wait(*stream->service)) watch(*stream);
        }
        while (disk_->is_caught() && !is_over()) round();
        if (disk_->is_caught()) return disk_->end();
        try_disk();
        untold_ = true;
        disk_->hand_back();
    }
}

/// One look at everything, and a turn for each stream that has something.
void Loop::round() {
    if (wait()) {
        for (Message& message : mailbox_.take()) inbox_.push_back(std::move(message));
    }
    // One by one from a place that both threads know: one of them may stop the other here.
    while (!inbox_.empty()) {
        Message message = std::move(inbox_.front());
        inbox_.pop_front();
        std::visit([this](auto&& told) { handle(std::move(told)); }, std::move(message));
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

/// In milliseconds; -1: nothing is due.
int Loop::timeout() const {
    if (!ready_.empty() || !inbox_.empty()) return 0;
    std::optional<Time> first;
    const auto until = [&](Time when) { first = first ? std::min(*first, when) : when; };
    if (!resting_.empty()) until(resting_.front()->due);
    for (const SinkQueue& queue : queues_) {
        if (queue.deadline) until(*queue.deadline);
    }
    if (give_back_at_) until(*give_back_at_);
    if (disk_deadline_ && disk_->answers()) until(*disk_deadline_);
    if (notices_due_ && disk_->answers()) until(*notices_due_);
    for (const Waiting& drain : drains_) {
        if (!at_disk_.empty() || !disk_->answers()) until(drain.patience_ends);
    }
    if (!first) return -1;
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(*first - now_).count();
    return static_cast<int>(std::max<std::int64_t>(ms, 0));
}

/// Collects what is ready; true: there are messages.
bool Loop::wait() {
    std::array<epoll_event, 256> events;
    const auto look = [&](int wait_ms) {
        return ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms);
    };
    if (!give_back_at_ && spool_.has_spare()) give_back_at_ = now_ + spare_for_;
    const int wait_ms = timeout();
    // Who stands in lets the other one come back.
    const int n =
        disk_->answers() ? look(wait_ms) : disk_->without_lock([&] { return look(wait_ms); });
    now_ = monotonic_now();
    bool messages = false;
    for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr) {
            messages = true;
        } else if (event.data.ptr == &writer_.archive()) {
            follow_archive();
        } else {
            happened(event);
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
    if (disk_deadline_ && *disk_deadline_ <= now_ && disk_->answers()) try_disk();
    if (notices_due_ && *notices_due_ <= now_ && disk_->answers()) untold_ = true;
    return messages;
}

void Loop::happened(const epoll_event& event) {
    for (SinkQueue& queue : queues_) {
        if (event.data.ptr == &queue) return moved(queue);
    }
    Stream& stream = *static_cast<Stream*>(event.data.ptr);
    if ((event.events & EPOLLHUP) != 0) stream.hung_up = true;
    enqueue(stream);
}

void Loop::serve(Stream& stream) {
    std::size_t available = stream.severed ? 0 : stream.pending();
    if (stream.finish_at) {
        // What is behind the last line of one that has ended is the next one's, and must not be
        // taken for the end of a line.
        const std::uint64_t left = *stream.finish_at - std::min(*stream.finish_at, stream.read);
        available = std::min<std::size_t>(available, left);
    }
    if (has_to_wait(stream, available)) return wait_for_disk(stream);
    take_in_hand(stream);
    const bool held = available == 0 || hold(stream);
    const std::size_t got = held && available > 0 && !stream.severed ? fill(stream, available) : 0;
    const auto finish_at = stream.finish_at;
    const bool finishing =
        finish_at && !stream.severed && (available == 0 || stream.read >= *finish_at);
    Writer::Awaits awaits;
    if (held) awaits = writer_.write(stream, finishing ? Tail::Finish : Tail::Keep, now_);
    put_back(stream, held && awaits.nobody());
    if (stream.service->removed) return;
    if (!notices_due_ && stream.service->untold().lost > 0) notices_due_ = now_ + kNoticeInterval;
    const bool called = std::exchange(stream.called, false);
    if (!held) {
        at_disk_.empty() ? rest(stream) : wait_for_disk(stream);
    } else if (!awaits.nobody()) {
        wait_for(awaits, stream);
    } else {
        // Another drain may have begun during the call.
        if (finishing && stream.finish_at == finish_at) stream.finish_at.reset();
        if (stream.slot != nullptr && stream.slot->unwritten().empty()) let_go(stream);
        next_place(stream, available, got);
    }
    if (called) enqueue(stream);
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
    if (available > got || stream.finish_at) {
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
    switch (stream.place) {
        case Stream::Place::Ready:
        case Stream::Place::AtSink:
        case Stream::Place::AtDisk:
            return;
        case Stream::Place::InHand:
            stream.called = true;
            if (!disk_->answers()) throw_away(stream);
            return;
        case Stream::Place::Resting:
            std::erase(resting_, &stream);
            break;
        case Stream::Place::Idle:
            break;
    }
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

void Loop::wait_for(const Writer::Awaits& awaits, Stream& stream) {
    if (awaits.sink != nullptr) return wait_for(*awaits.sink, stream);
    if (awaits.disk) wait_for_disk(stream);
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

void Loop::wait_for_disk(Stream& stream) {
    stream.place = Stream::Place::AtDisk;
    at_disk_.push_back(&stream);
    if (!disk_deadline_) disk_deadline_ = now_ + kDiskInterval;
}

void Loop::try_disk() {
    disk_deadline_.reset();
    for (Stream* stream : std::exchange(at_disk_, {})) {
        stream->place = Stream::Place::Idle;
        enqueue(*stream);
    }
}

/// Takes a stream out of every queue.
void Loop::leave(Stream& stream) {
    std::erase(ready_, &stream);
    std::erase(resting_, &stream);
    for (SinkQueue& queue : queues_) std::erase(queue.streams, &stream);
    std::erase(at_disk_, &stream);
    if (stream.place != Stream::Place::InHand) stream.place = Stream::Place::Idle;
}

}  // namespace reeve::log
