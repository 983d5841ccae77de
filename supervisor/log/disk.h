#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"

namespace reeve::log {

/// Why lines are not written while a call is under way that takes too long.
inline Error not_answering() { return error("the disk does not answer"); }

/// Two threads take turns at the log, so that a disk that does not answer stops neither.
///
/// A call to a file system may never return: a server is gone, a disk is frozen, and nothing ends a
/// thread that waits in the kernel. So what the threads share is guarded by one lock, which the
/// writing thread holds all the time except during its calls to the disk. When such a call takes
/// longer than kPatience, the other thread, which sleeps until then, takes the lock and does the
/// work meanwhile, apart from files. When the call returns, it hands the lock back.
///
/// Only the writing thread calls the disk. Nobody else touches what it works on meanwhile: its
/// file, the slot and the buffer that it writes from.
///
/// What tells that a call takes long is a timer that the writing thread sets as it calls the disk,
/// and that nobody unsets: one system call in a third of kPatience under load, and one vain look
/// after the last call. An idle supervisor is not woken.
class Disk {
  public:
    static constexpr Duration kPatience = 1s;

    /// `ring` wakes the standing-in thread when it waits for events.
    static Result<std::unique_ptr<Disk>> make(std::function<void()> ring);
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    std::unique_lock<std::mutex> hold() { return std::unique_lock(mutex_); }

    /// Under the lock: whether files may be touched. False for the one that stands in.
    bool answers() const { return !relieved_; }

    /// On the writing thread: work that may take for ever, without the lock.
    template <typename Work>
    auto call(Work&& work) {
        const Call call(*this);
        return work();
    }

    /// Under the lock: waits for something else without it.
    template <typename Work>
    auto without_lock(Work&& work) {
        mutex_.unlock();
        const auto result = work();
        mutex_.lock();
        return result;
    }

    /// On the other thread: sleeps until the writing one is caught, and has the lock then; without
    /// it, all is over.
    std::unique_lock<std::mutex> stand_in();
    /// Whether it still is.
    bool is_caught() const { return called_.load() != 0; }
    void hand_back();

    /// Under the lock, on either thread: there is nothing more to do. Ends the other one; a thread
    /// that is still caught sleeps for ever should it return.
    void end();
    /// On a third thread: waits for end(). True: the writing thread is caught for good.
    bool wait_for_end();

  private:
    explicit Disk(std::function<void()> ring, Fd timer)
        : ring_(std::move(ring)), timer_(std::move(timer)) {}

    class Call {
      public:
        explicit Call(Disk& disk) : disk_(disk) { disk_.leave(); }
        ~Call() { disk_.come_back(); }
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;

      private:
        Disk& disk_;
    };
    void leave();
    void come_back();
    void set_timer(Duration after);

    std::function<void()> ring_;
    Fd timer_;
    std::int64_t timer_set_ = 0;           // by the writing thread
    std::atomic<std::int64_t> called_{0};  // when the call began that is under way; 0: none
    std::mutex mutex_;
    std::condition_variable changed_;
    bool relieved_ = false, abandoned_ = false;
    std::atomic<bool> over_{false};
};

}  // namespace reeve::log
