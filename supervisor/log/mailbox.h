#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "config/plan.h"
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
    static Result<Fd> make_bell() {
        Fd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!bell) return system_error("cannot make an eventfd");
        return bell;
    }
    explicit Mailbox(Fd bell) : bell_(std::move(bell)) {}

    int fd() const { return bell_.get(); }

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
    void ring() {
        const std::uint64_t one = 1;
        // It fails only when the counter is full, and then the bell rings already.
        [[maybe_unused]] const auto rung = ::write(bell_.get(), &one, sizeof one);
    }

    std::vector<Message> take() {
        std::uint64_t rings = 0;
        [[maybe_unused]] const auto heard = ::read(bell_.get(), &rings, sizeof rings);
        const std::lock_guard lock(mutex_);
        return std::exchange(messages_, {});
    }

  private:
    Fd bell_;
    std::mutex mutex_;
    std::vector<Message> messages_;
};

}  // namespace reeve::log
