// How the loop follows its messages, and who holds a slot.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "supervisor/log/loop.h"

namespace reeve::log {

namespace {

bool same_pipe(const Fd& a, const Fd& b) {
    struct stat x {
    }, y{};
    return a && b && ::fstat(a.get(), &x) == 0 && ::fstat(b.get(), &y) == 0 &&
           x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

}  // namespace

/// Finishes what a killed predecessor had in hand. First every file is as it was before the batch
/// that was cut off, then anything is written: a file has two streams.
void Loop::recover() {
    Spool::Recovery recovery = spool_.recover();
    if (recovery.damaged > 0) {
        report_("ignoring " + std::to_string(recovery.damaged) +
                " damaged entries of the log spool");
    }
    for (const Spool::Found& found : recovery.found) {
        Service& owner = service(found.use.service);
        if (found.undo) writer_.undo(owner, *found.undo);
        found.slot->disarm();
        Stream& stream = owner.stream(found.use.source);
        stream.slot = found.slot;
        holders_.push_back(&stream);
        // Until open() or adopt() tells the rest; nothing may be rotated away by a guess.
        owner.log.max_size = std::numeric_limits<std::uint64_t>::max();
        owner.log.to_file = found.use.to_file;
        owner.log.to_console = found.use.to_console;
        owner.log.to_syslog = found.use.to_syslog;
        owner.log.max_line = found.use.max_line;
        enqueue(stream);
    }
}

Service& Loop::service(const std::string& name) {
    std::unique_ptr<Service>& entry = services_[name];
    if (!entry) entry = std::make_unique<Service>(name);
    return *entry;
}

void Loop::handle(Attach&& message) {
    Service& owner = service(message.service);
    configure(owner, message.log);
    if (message.reading) {
        attach(owner.out, std::move(message.reading->out));
        attach(owner.err, std::move(message.reading->err));
    }
    for (Stream* stream : {&owner.out, &owner.err}) {
        if (std::exchange(stream->hung_up, false)) enqueue(*stream);
    }
}

void Loop::handle(Configure&& message) {
    const auto found = services_.find(message.service);
    if (found != services_.end()) configure(*found->second, message.log);
}

void Loop::configure(Service& owner, const config::Log& log) {
    owner.log = log;
    for (Stream* stream : {&owner.out, &owner.err}) {
        if (stream->slot != nullptr) spool_.describe(*stream->slot, stream->use());
    }
}

void Loop::attach(Stream& stream, Fd pipe) {
    if (!pipe || same_pipe(stream.pipe, pipe)) return;
    detach(stream);
    stream.pipe = std::move(pipe);
    epoll_event event{EPOLLIN | EPOLLONESHOT, {.ptr = &stream}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stream.pipe.get(), &event) != 0) {
        report_("cannot watch a log pipe of " + stream.service->name + ": " +
                Error::strerrordesc(errno));
    }
}

void Loop::detach(Stream& stream) {
    if (!stream.pipe) return;
    // Closing alone would not do it while a child that is about to exec has a copy.
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stream.pipe.get(), nullptr);
    stream.pipe.reset();
    stream.capacity = 0;
    stream.hung_up = false;
}

void Loop::finish(Stream& stream) {
    stream.finish_at = stream.read + stream.pending();
    enqueue(stream);
}

void Loop::handle(Drain&& message) {
    const auto found = services_.find(message.service);
    if (found == services_.end()) {
        if (message.done) message.done();
        return;
    }
    Service& drained = *found->second;
    finish(drained.out);
    finish(drained.err);
    drains_.push_back({&drained, std::move(message.done)});
}

void Loop::complete_drains() {
    std::vector<std::function<void()>> done;
    std::erase_if(drains_, [&](Waiting& drain) {
        if (drain.service->out.finish_at || drain.service->err.finish_at) return false;
        if (drain.done) done.push_back(std::move(drain.done));
        return true;
    });
    for (const auto& call : done) call();
}

void Loop::handle(Remove&& message) {
    const auto found = services_.find(message.service);
    if (found == services_.end()) return;
    Service& removed = *found->second;
    for (Stream* stream : {&removed.out, &removed.err}) {
        leave(*stream);
        detach(*stream);
        stream->finish_at.reset();
        if (stream->slot == nullptr) continue;
        // It was drained, or should have been: no sink is waited for.
        writer_.write(*stream, Tail::Finish, now_);
        stream->slot->commit(stream->slot->unwritten().size());
        let_go(*stream);
    }
    complete_drains();
    writer_.forget(removed);
    services_.erase(found);
}

void Loop::handle(Reopen&&) { writer_.reopen(); }

void Loop::handle(Stop&&) {
    stopping_ = true;
    for (const auto& [name, entry] : services_) {
        finish(entry->out);
        finish(entry->err);
        drains_.push_back({entry.get(), nullptr});
    }
}

/// Sees to it that the stream has a slot; false: none is to be had now.
bool Loop::hold(Stream& stream) {
    if (stream.slot != nullptr) return true;
    const SlotUse use = stream.use();
    stream.slot = spool_.acquire(use);
    if (auto problem = spool_.take_problem()) {
        report_(problem->text() + "; a kill of the supervisor could lose log lines");
    }
    if (stream.slot == nullptr) {
        free_a_slot();
        stream.slot = spool_.acquire(use);
    }
    if (stream.slot != nullptr) holders_.push_back(&stream);
    return stream.slot != nullptr;
}

void Loop::let_go(Stream& stream) {
    spool_.release(*stream.slot);
    stream.slot = nullptr;
    std::erase(holders_, &stream);
}

/// The stream that has waited longest for the rest of its line writes what it has of it.
void Loop::free_a_slot() {
    for (Stream* holder : holders_) {
        if (holder->place != Stream::Place::Idle) continue;
        if (writer_.write(*holder, Tail::Part, now_) != nullptr) continue;
        let_go(*holder);
        return;
    }
}

}  // namespace reeve::log
