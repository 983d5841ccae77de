#pragma once

#include <sys/epoll.h>

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "supervisor/log/collector.h"
#include "supervisor/log/mailbox.h"
#include "supervisor/log/service.h"
#include "supervisor/log/spool.h"
#include "supervisor/log/watches.h"
#include "supervisor/log/writer.h"

namespace reeve::log {

/// What the log thread does: waits for pipes and messages, and gives each stream with something in
/// its pipe a turn, of one slot at most, so that none starves.
///
/// Streams are watched with EPOLLONESHOT. What has fired is not watched until it was read empty, so
/// a busy writer does not ring at every write; re-arming looks at the pipe again, so nothing is
/// missed; and a stream that waits for a sink or for memory costs nothing meanwhile. A stream
/// that is busy with small writes rests for a millisecond when it is empty, to have its pipe filled
/// a little: one turn for hundreds of lines instead of one each.
///
/// A stream that has to wait for the disk is not read: its bytes stay in its slot and in its pipe.
/// It is tried again every kDiskInterval. So many slots at most are held by such streams that the
/// others find one.
///
/// While the writing thread is caught in a call to the disk (see disk.h) another one does all the
/// rest here. A stream in the hands of the caught one is not touched, except that its pipe is read
/// and the lines are thrown away and counted when they may be lost.
class Loop {
  public:
    static Result<std::unique_ptr<Loop>> make(Mailbox& mailbox, Watches& watches,
                                              Troubles& troubles, Spool spool,
                                              const CollectorOptions& options);

    /// The writing thread: returns after a Stop, when all is written.
    void run();
    /// The thread that stands in: returns after a Stop.
    void stand_in();
    /// After a Stop: waits until all is written, or for a disk as long as that can be told from one
    /// that hangs. True: the writing thread is caught and does not return.
    bool wait_for_end() { return disk_->wait_for_end(); }

  private:
    static constexpr Duration kDiskInterval = 500ms;
    static constexpr Duration kNoticeInterval = 2s;
    static constexpr std::size_t kMaxWaitingSlots = kMaxSlots / 2;

    struct Waiting {
        Service* service;
        std::function<void()> done;
        Time patience_ends;  ///< with a disk
    };
    /// Those that wait for a sink, and until when.
    struct SinkQueue {
        Sink* sink;
        std::vector<Stream*> streams;
        std::optional<Time> deadline;
    };

    Loop(Mailbox& mailbox, Watches& watches, Troubles& troubles, Spool spool,
         const CollectorOptions& options, Fd epoll, std::unique_ptr<Disk> disk);

    bool is_over() const { return stopping_ && inbox_.empty() && drains_.empty(); }
    void round();

    // What others left behind.
    void recover();
    void take_over_books();

    // Messages.
    void handle(Attach&& message);
    void handle(Configure&& message);
    void handle(Drain&& message);
    void handle(Remove&& message);
    void handle(Reopen&&);
    void handle(Stop&&);
    Service& service(const std::string& name);
    void configure(Service& service, const config::Log& log);
    void attach(Stream& stream, Fd pipe);
    void detach(Stream& stream);
    void finish(Stream& stream);
    bool has_said_all(const Stream& stream, Time patience_ends) const;
    void complete_drains();
    void follow_archive();
    void follow(const Archive::CurrentIsOld& notice);
    void follow(const Archive::Problem& notice);
    void tend();
    void tell_what_is_missing();
    void bury();

    // Turns.
    bool wait();
    int timeout() const;
    void happened(const epoll_event& event);
    void serve(Stream& stream);
    std::size_t fill(Stream& stream, std::size_t available);
    void next_place(Stream& stream, std::size_t available, std::size_t got);
    void enqueue(Stream& stream);
    void rest(Stream& stream);
    void watch(Stream& stream);
    void wait_for(const Writer::Awaits& awaits, Stream& stream);
    void wait_for(Sink& sink, Stream& stream);
    void moved(SinkQueue& queue);
    void wait_for_disk(Stream& stream);
    void try_disk();
    void leave(Stream& stream);
    void raise_capacity(Stream& stream);

    // A stream that the writing thread has, and what another does with it.
    void take_in_hand(Stream& stream);
    void put_back(Stream& stream, bool all_written);
    void throw_away(Stream& stream);

    // Slots.
    bool has_to_wait(const Stream& stream, std::size_t available) const;
    Stream* oldest_idle_holder() const;
    bool hold(Stream& stream);
    void let_go(Stream& stream);
    void free_a_slot();

    Mailbox& mailbox_;
    Watches& watches_;
    Spool spool_;
    std::unique_ptr<Disk> disk_;
    Troubles& troubles_;
    Writer writer_;
    std::function<void(std::string)> report_;
    const Duration spare_for_;
    Fd epoll_;
    std::deque<Message> inbox_;
    std::unordered_map<std::string, std::unique_ptr<Service>> services_;
    std::vector<std::unique_ptr<Service>> leaving_;  // removed, but perhaps still worked on
    std::deque<Stream*> ready_;
    std::deque<Stream*> resting_;  // in the order in which they are due
    std::array<SinkQueue, 2> queues_;
    std::vector<Stream*> at_disk_;
    std::optional<Time> disk_deadline_;
    std::optional<Time> notices_due_;  // while lines are missing of which the files do not tell
    std::vector<Stream*> in_hand_;     // of the writing thread during its calls to the disk
    std::optional<Time> give_back_at_;
    bool reopening_ = false;
    bool untold_ = false;
    std::deque<Stream*> holders_;  // of slots, the oldest first
    std::vector<Waiting> drains_;
    Time now_{};
    bool stopping_ = false;
};

}  // namespace reeve::log
