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
class Loop {
  public:
    static Result<std::unique_ptr<Loop>> make(Mailbox& mailbox, Watches& watches, Spool spool,
                                              const CollectorOptions& options);

    /// Returns after a Stop, when all is written.
    void run();

  private:
    struct Waiting {
        Service* service;
        std::function<void()> done;
    };
    /// Those that wait for a sink, and until when.
    struct SinkQueue {
        Sink* sink;
        std::vector<Stream*> streams;
        std::optional<Time> deadline;
    };

    Loop(Mailbox& mailbox, Watches& watches, Spool spool, const CollectorOptions& options,
         Fd epoll);

    // What others left behind.
    void recover();

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
    void complete_drains();

    // Turns.
    bool wait();
    void serve(Stream& stream);
    std::size_t fill(Stream& stream, std::size_t available);
    void next_place(Stream& stream, std::size_t available, std::size_t got);
    void enqueue(Stream& stream);
    void rest(Stream& stream);
    void watch(Stream& stream);
    void wait_for(Sink& sink, Stream& stream);
    void moved(SinkQueue& queue);
    void leave(Stream& stream);
    void raise_capacity(Stream& stream);

    // Slots.
    bool hold(Stream& stream);
    void let_go(Stream& stream);
    void free_a_slot();

    Mailbox& mailbox_;
    Watches& watches_;
    Spool spool_;
    Writer writer_;
    std::function<void(std::string)> report_;
    const Duration spare_for_;
    Fd epoll_;
    std::unordered_map<std::string, std::unique_ptr<Service>> services_;
    std::deque<Stream*> ready_;
    std::deque<Stream*> resting_;  // in the order in which they are due
    std::array<SinkQueue, 2> queues_;
    std::optional<Time> give_back_at_;
    std::deque<Stream*> holders_;  // of slots, the oldest first
    std::vector<Waiting> drains_;
    Time now_{};
    bool stopping_ = false;
};

}  // namespace reeve::log
