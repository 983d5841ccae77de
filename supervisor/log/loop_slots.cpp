// Who holds a slot, and what the writing thread has in hand.
#include <algorithm>
#include <utility>

#include "supervisor/log/loop.h"

namespace reeve::log {

/// Until it is put back nobody else writes or queues it, also while a call to the disk lasts.
void Loop::take_in_hand(Stream& stream) {
    stream.place = Stream::Place::InHand;
    in_hand_.push_back(&stream);
}

void Loop::put_back(Stream& stream, bool all_written) {
    std::erase(in_hand_, &stream);
    stream.place = Stream::Place::Idle;
    if (stream.severed && all_written) writer_.sever(stream);
}

/// The stream is in the hands of a caught thread and its service must not wait: its pipe is
/// emptied.
void Loop::throw_away(Stream& stream) {
    if (!stream.pipe || writer_.may_wait(*stream.service)) return;
    Slot* const bin = spool_.ledger().bin(stream.use());
    if (bin != nullptr) {
        const auto watching = watches_.lock();
        const auto got = spool_.fill(*bin, stream.pipe.get(), stream.pending());
        if (got && *got > 0) {
            watches_.show(stream.service->name, stream.source, bin->unwritten());
            stream.read += *got;
            writer_.lose_unread(stream, *bin, now_);
        }
    }
    watch(stream);
}

/// Whether a stream may not be read, as its bytes could only be kept.
bool Loop::has_to_wait(const Stream& stream, std::size_t available) const {
    if (!writer_.may_wait(*stream.service)) return false;
    if (!disk_->answers()) return available > 0 || stream.slot != nullptr;
    if (available == 0 || stream.slot != nullptr || at_disk_.empty()) return false;
    const auto waiting = std::count_if(holders_.begin(), holders_.end(), [](const Stream* holder) {
        return holder->place == Stream::Place::AtDisk;
    });
    return static_cast<std::size_t>(waiting) >= kMaxWaitingSlots;
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

/// One that waits for the rest of its line, and whose part of it may be written.
Stream* Loop::oldest_idle_holder() const {
    const auto found = std::find_if(holders_.begin(), holders_.end(), [this](const Stream* holder) {
        return holder->place == Stream::Place::Idle && !has_to_wait(*holder, 0) &&
               !holder->service->removed;
    });
    return found == holders_.end() ? nullptr : *found;
}

/// The stream that has waited longest for the rest of its line writes what it has of it.
void Loop::free_a_slot() {
    while (Stream* holder = oldest_idle_holder()) {
        take_in_hand(*holder);
        const auto awaits = writer_.write(*holder, Tail::Part, now_);
        const bool freed = awaits.nobody();
        put_back(*holder, freed);
        if (freed) let_go(*holder);
        if (holder->service->removed) continue;
        const bool called = std::exchange(holder->called, false);
        wait_for(awaits, *holder);
        if (called) enqueue(*holder);
        if (freed) return;
    }
}

}  // namespace reeve::log
