// How the loop follows its messages.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "supervisor/log/loop.h"

namespace reeve::log {

namespace {

/// How long a drain waits for a disk.
constexpr Duration kDiskPatience = 1s;

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
    // Nobody else touches them before all is as it was.
    for (const Spool::Found& found : recovery.found) {
        Service& owner = service(found.use.service);
        Stream& stream = owner.stream(found.use.source);
        stream.slot = found.slot;
        holders_.push_back(&stream);
        take_in_hand(stream);
        // Until open() or adopt() tells the rest; nothing may be rotated away or lost by a guess.
        owner.log.max_size = std::numeric_limits<std::uint64_t>::max();
        owner.log.on_full = config::Log::OnFull::Block;
        owner.log.to_file = found.use.to_file;
        owner.log.to_console = found.use.to_console;
        owner.log.to_syslog = found.use.to_syslog;
        owner.log.max_line = found.use.max_line;
    }
    const std::vector<Stream*> found_streams = in_hand_;
    take_over_books();
    for (std::size_t i = 0; i < found_streams.size(); ++i) {
        const Spool::Found& found = recovery.found[i];
        if (found.undo) writer_.undo(found_streams[i]->service->name, *found.undo);
        found.slot->disarm();
    }
    for (Stream* stream : found_streams) {
        put_back(*stream, false);
        if (!stream->service->removed) enqueue(*stream);
    }
}

/// Goes on counting where a predecessor was.
void Loop::take_over_books() {
    const Ledger::Found& found = spool_.ledger().found();
    for (Ledger::Entry* books : found.entries) {
        const std::string name(books->service());
        const bool known = services_.contains(name);
        Service* owner = &service(name);
        if (!known) owner->log.max_size = std::numeric_limits<std::uint64_t>::max();
        if (owner->books != nullptr) {
            // One of that name was about to be forgotten.
            leaving_.push_back(std::make_unique<Service>(name));
            owner = leaving_.back().get();
            owner->removed = true;
        }
        writer_.take_over(*owner, *books);
        untold_ = untold_ || owner->untold().lost > 0;
        for (Stream* stream : {&owner->out, &owner->err}) {
            if (stream->severed && stream->slot == nullptr && !owner->removed) enqueue(*stream);
        }
    }
    if (found.telling == nullptr) return;
    writer_.undo(std::string(found.telling->service()), found.undo);
    spool_.ledger().drop_telling();
}

Service& Loop::service(const std::string& name) {
    std::unique_ptr<Service>& entry = services_[name];
    if (!entry) entry = std::make_unique<Service>(name);
    return *entry;
}

void Loop::handle(Attach&& message) {
    Service& owner = service(message.service);
    configure(owner, message.log);
    // Somebody may have deleted the file since the last process ended, which may be just now.
    if (disk_->answers()) owner.file.look_again();
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
    if (found != services_.end()) return configure(*found->second, message.log);
    // It may have files all the same, of an earlier time.
    writer_.archive().tend(message.service, message.log);
}

void Loop::configure(Service& owner, const config::Log& log) {
    // Each start of a service comes by here.
    if (std::exchange(owner.tended, true) && owner.log == log) return;
    owner.log = log;
    writer_.archive().tend(owner.name, log);
    for (Stream* stream : {&owner.out, &owner.err}) {
        if (stream->slot != nullptr) spool_.describe(*stream->slot, stream->use());
        if (stream->place == Stream::Place::AtDisk) {
            leave(*stream);
            enqueue(*stream);
        }
        // The caught thread has it; its lines may have become such as may be lost.
        if (stream->place == Stream::Place::InHand && !disk_->answers()) enqueue(*stream);
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
    drains_.push_back({&drained, std::move(message.done), now_ + kDiskPatience});
}

/// A disk is waited for, but not for ever.
bool Loop::has_said_all(const Stream& stream, Time patience_ends) const {
    const bool with_disk =
        stream.place == Stream::Place::AtDisk || stream.place == Stream::Place::InHand;
    return !stream.finish_at || (with_disk && now_ >= patience_ends);
}

void Loop::complete_drains() {
    std::vector<std::function<void()>> done;
    std::erase_if(drains_, [&](Waiting& drain) {
        if (!has_said_all(drain.service->out, drain.patience_ends)) return false;
        if (!has_said_all(drain.service->err, drain.patience_ends)) return false;
        if (drain.done) done.push_back(std::move(drain.done));
        return true;
    });
    for (const auto& call : done) call();
}

void Loop::follow_archive() {
    for (const Archive::Notice& notice : writer_.archive().take_notices()) {
        std::visit([this](const auto& told) { follow(told); }, notice);
    }
}

void Loop::follow(const Archive::CurrentIsOld& notice) {
    const auto found = services_.find(notice.service);
    if (found != services_.end()) return writer_.rotate_old(*found->second, now_);
    // Nothing has come of it in this supervisor's time.
    Service idle(notice.service);
    idle.log = notice.rules;
    writer_.rotate_old(idle, now_);
    writer_.forget(idle);
}

void Loop::follow(const Archive::Problem& notice) { report_(notice.text); }

void Loop::handle(Remove&& message) {
    writer_.archive().forget(message.service);
    const auto found = services_.find(message.service);
    if (found == services_.end()) return;
    Service& removed = *found->second;
    removed.removed = true;
    for (Stream* stream : {&removed.out, &removed.err}) {
        leave(*stream);
        detach(*stream);
        stream->finish_at.reset();
    }
    complete_drains();
    troubles_.forget(removed.name);
    leaving_.push_back(std::move(found->second));
    services_.erase(found);
    if (disk_->answers()) tend();
}

/// What only the writing thread can do, and with nothing in hand.
void Loop::tend() {
    if (std::exchange(reopening_, false)) writer_.reopen();
    if (std::exchange(untold_, false)) tell_what_is_missing();
    bury();
}

/// Also in the logs of those that have nothing to write now.
void Loop::tell_what_is_missing() {
    notices_due_.reset();
    std::vector<std::string> names;
    for (const auto& [name, entry] : services_) {
        if (entry->untold().lost > 0) names.push_back(name);
    }
    for (const std::string& name : names) {
        const auto found = services_.find(name);
        if (found == services_.end() || writer_.write_notices(*found->second, now_)) continue;
        if (!notices_due_) notices_due_ = now_ + kNoticeInterval;
    }
}

/// Lets the removed ones go.
void Loop::bury() {
    while (!leaving_.empty()) {
        const std::unique_ptr<Service> removed = std::move(leaving_.back());
        leaving_.pop_back();
        for (Stream* stream : {&removed->out, &removed->err}) {
            if (stream->slot == nullptr) continue;
            // It was drained, or should have been: neither a sink nor a disk is waited for.
            if (writer_.write(*stream, Tail::Finish, now_).disk) {
                report_("the last lines of " + removed->name + " are lost: " + removed->lost_why);
            }
            stream->slot->commit(stream->slot->unwritten().size());
            let_go(*stream);
        }
        writer_.write_notices(*removed, now_);
        writer_.forget(*removed);
        // What could not be told is left to a successor.
        if (removed->untold().nothing() && removed->books != nullptr) {
            spool_.ledger().release(*removed->books);
        }
    }
}

void Loop::handle(Reopen&&) {
    reopening_ = true;
    if (disk_->answers()) tend();
}

void Loop::handle(Stop&&) {
    stopping_ = true;
    for (const auto& [name, entry] : services_) {
        finish(entry->out);
        finish(entry->err);
        drains_.push_back({entry.get(), nullptr, now_ + kDiskPatience});
    }
}

}  // namespace reeve::log
