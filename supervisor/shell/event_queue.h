#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "supervisor/core/event.h"

namespace reeve::shell {

/// The one way to the engine: whatever happens is put here, and handled in the order it came, each
/// to completion before the next.
class EventQueue {
  public:
    /// `wake` is called when the queue stops being empty, and when somebody waits for it.
    explicit EventQueue(std::function<void()> wake) : wake_(std::move(wake)) {}

    void push(core::Event event) {
        events_.push_back(std::move(event));
        if (events_.size() == 1) wake_();
    }
    bool empty() const { return events_.empty(); }
    core::Event pop() {
        core::Event event = std::move(events_.front());
        events_.pop_front();
        ++popped_;
        return event;
    }

    /// `then` is called once all that is in the queue now has been handled and what was decided has
    /// been carried out.
    void once_handled(std::function<void()> then) {
        waiting_.emplace_back(popped_ + events_.size(), std::move(then));
        wake_();
    }
    /// To be called by whoever pops, whenever there is nothing left to be carried out.
    void carried_out() {
        while (!waiting_.empty() && waiting_.front().first <= popped_) {
            const auto then = std::move(waiting_.front().second);
            waiting_.pop_front();
            then();
        }
    }

  private:
    std::function<void()> wake_;
    std::deque<core::Event> events_;
    std::uint64_t popped_ = 0;
    std::deque<std::pair<std::uint64_t, std::function<void()>>> waiting_;  // and for which number
};

}  // namespace reeve::shell
