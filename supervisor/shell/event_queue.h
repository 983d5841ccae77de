#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "supervisor/core/event.h"

namespace reeve::shell {

/// The one way to the engine: whatever happens is put here, and handled in the order it came, each
/// to completion before the next.
class EventQueue {
  public:
    /// `wake` is called when the queue stops being empty.
    explicit EventQueue(std::function<void()> wake) : wake_(std::move(wake)) {}

    void push(core::Event event) {
        events_.push_back(std::move(event));
        if (events_.size() == 1) wake_();
    }
    bool empty() const { return events_.empty(); }
    core::Event pop() {
        core::Event event = std::move(events_.front());
        events_.pop_front();
        return event;
    }

  private:
    std::function<void()> wake_;
    std::deque<core::Event> events_;
};

}  // namespace reeve::shell
