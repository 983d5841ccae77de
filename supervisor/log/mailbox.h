#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "config/plan.h"
#include "supervisor/log/bell.h"
#include "supervisor/log/pipes.h"

/// What the log thread is told.
namespace reeve::log {

/// A service's pipes are about to be written to; `reading` when the thread has no ends of them yet.
struct Attach {
    std::string service;
    config::Log log;
    std::optional<FdPair> reading;
};
struct Configure {
    std::string service;
    config::Log log;
};
struct Drain {
    std::string service;
    std::function<void()> done;
};
struct Remove {
    std::string service;
};
struct Reopen {};
struct Stop {};

using Message = std::variant<Attach, Configure, Drain, Remove, Reopen, Stop>;

/// Messages from one thread to another, in order; the receiver polls fd().
class Mailbox {
  public:
    static Result<Bell> make_bell() {
        Bell bell;
        if (bell.fd() < 0) return system_error("cannot make an eventfd");
        return bell;
    }
    explicit Mailbox(Bell bell) : bell_(std::move(bell)) {}

    int fd() const { return bell_.fd(); }

    void post(Message message) {
        bool first = false;
        {
            const std::lock_guard lock(mutex_);
            first = messages_.empty();
            messages_.push_back(std::move(message));
        }
        if (first) ring();
    }

    /// Wakes the receiver.
    void ring() { bell_.ring(); }

    std::vector<Message> take() {
        (void)bell_.heard();
        const std::lock_guard lock(mutex_);
        return std::exchange(messages_, {});
    }

  private:
    Bell bell_;
    std::mutex mutex_;
    std::vector<Message> messages_;
};

}  // namespace reeve::log
