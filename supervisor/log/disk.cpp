#include "supervisor/log/disk.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "supervisor/log/clock.h"

namespace reeve::log {

namespace {

constexpr std::int64_t kPatienceNs = Disk::kPatience.count();
constexpr std::int64_t kSlackNs = kPatienceNs / 3;

std::int64_t clock_ns() { return monotonic_now().time_since_epoch().count(); }

}  // namespace

Result<std::unique_ptr<Disk>> Disk::make(std::function<void()> ring) {
    Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    if (!timer) return system_error("cannot make a timer for the log");
    return std::unique_ptr<Disk>(new Disk(std::move(ring), std::move(timer)));
}

void Disk::set_timer(Duration after) {
    const auto ns = after.count();
    const itimerspec when{{}, {ns / 1'000'000'000, ns % 1'000'000'000}};
    ::timerfd_settime(timer_.get(), 0, &when, nullptr);
}

void Disk::leave() {
    const std::int64_t now = clock_ns();
    if (now - timer_set_ > kSlackNs) {
        timer_set_ = now;
        set_timer(kPatience);
    }
    called_.store(now);
    mutex_.unlock();
}

void Disk::come_back() {
    called_.store(0);
    std::unique_lock lock(mutex_);
    if (relieved_) {
        ring_();
        changed_.wait(lock, [this] { return !relieved_; });
    }
    // Whoever waited for the end is gone, and with it all that could be told.
    if (abandoned_) changed_.wait(lock, [] { return false; });
    lock.release();
}

std::unique_lock<std::mutex> Disk::stand_in() {
    while (true) {
        std::uint64_t fired = 0;
        if (::read(timer_.get(), &fired, sizeof fired) < 0 && errno != EINTR) return {};
        if (over_) return {};
        std::unique_lock lock(mutex_, std::try_to_lock);
        const std::int64_t called = called_.load();
        if (!lock || called == 0) continue;
        const std::int64_t left = called + kPatienceNs - kSlackNs - clock_ns();
        if (left > 0) {
            set_timer(Duration(left));
            continue;
        }
        relieved_ = true;
        return lock;
    }
}

void Disk::hand_back() {
    relieved_ = false;
    changed_.notify_all();
}

void Disk::end() {
    over_ = true;
    abandoned_ = relieved_;
    relieved_ = false;
    changed_.notify_all();
    set_timer(1ns);
}

bool Disk::wait_for_end() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return over_.load(); });
    return abandoned_;
}

}  // namespace reeve::log
