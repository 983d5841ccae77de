#include "supervisor/log/archive.h"

#include <linux/ioprio.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <deque>
#include <map>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "supervisor/log/archive_folder.h"
#include "supervisor/log/bell.h"
#include "supervisor/log/clock.h"

namespace reeve::log {

namespace {

/// How long the end of a supervisor may take for the sake of this thread.
constexpr auto kPatience = 200ms;

struct Order {
    std::string service;
    std::optional<config::Log> rules;  ///< nothing: forget it
};

/// Behind everybody else. What the system does not let us have, we do without.
void step_back() {
    const sched_param none{};
    ::setpriority(PRIO_PROCESS, 0, 19);
    ::sched_setscheduler(0, SCHED_IDLE, &none);
    ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

}  // namespace

struct Archive::Shared {
    std::string log_dir;
    DropBox<Order> orders;
    DropBox<Notice> notices;
    Fd alarm;  // a timer on the wall clock: it goes off at its moment whether that comes or is set
    Bell packed;  // rings when files have been compressed
    Bell ended;
    std::atomic<bool> stop{false};
};

namespace {

/// What the thread does. Compressing, which takes long and can wait, is done by a second one, so
/// that it has no say in how many files there are.
class Keeper {
  public:
    explicit Keeper(Archive::Shared& shared) : shared_(shared) {}
    ~Keeper() {
        if (packer_.joinable()) packer_.join();
    }
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    void run() {
        while (!shared_.stop) {
            for (Order& order : shared_.orders.take()) follow(std::move(order));
            finish_packing();
            if (!packer_.joinable()) pack();
            if (queue_.empty()) queue_those_due();
            if (queue_.empty()) {
                sleep();
                continue;
            }
            const std::string service = std::move(queue_.front());
            queue_.pop_front();
            if (const auto found = tasks_.find(service); found != tasks_.end()) tend(found);
        }
    }

  private:
    struct Task {
        config::Log rules;
        bool queued = false;       ///< to be tended
        bool may_pack = false;     ///< something has changed since it was packed last
        bool pack_queued = false;  ///< or is being packed
        bool failed = false;       ///< and that was told
        bool pack_failed = false;
        std::optional<WallTime> next{};
    };
    using Tasks = std::map<std::string, Task>;

    void follow(Order&& order) {
        if (!order.rules) {
            tasks_.erase(order.service);
            return;
        }
        Task& task = tasks_[order.service];
        task.rules = *order.rules;
        task.may_pack = true;
        enqueue(order.service, task);
    }

    void enqueue(const std::string& service, Task& task) {
        if (!std::exchange(task.queued, true)) queue_.push_back(service);
    }

    void tend(Tasks::iterator found) {
        const auto& [service, rules] = std::tie(found->first, found->second.rules);
        Task& task = found->second;
        task.queued = false;
        const bool compressing = packer_.joinable() && packing_ == service;
        const Tended tended = tend_folder(folder(service), rules, wall_now(), compressing);
        task.next = tended.next;
        if (tended.current_is_old) shared_.notices.put(Archive::CurrentIsOld{service, rules});
        tell(tended.problem, task.failed);
        // While files are compressed others may come: it is tended again afterwards.
        if (!compressing && std::exchange(task.may_pack, false) && tended.to_compress) {
            want_packing(service, task);
        }
        // Its next rotation tells the rules again.
        if (!task.next && !task.failed && !task.pack_failed && !task.pack_queued) {
            tasks_.erase(found);
        }
    }

    void tell(const std::optional<Error>& problem, bool& told) {
        if (problem && !told) shared_.notices.put(Archive::Problem{problem->text()});
        told = problem.has_value();
    }

    void want_packing(const std::string& service, Task& task) {
        if (!std::exchange(task.pack_queued, true)) to_pack_.push_back(service);
    }

    void pack() {
        while (!to_pack_.empty() && !tasks_.contains(to_pack_.front())) to_pack_.pop_front();
        if (to_pack_.empty()) return;
        packing_ = std::move(to_pack_.front());
        to_pack_.pop_front();
        try {
            packer_ = std::thread([this] {
                step_back();
                outcome_ = compress_folder(folder(packing_), shared_.stop);
                shared_.packed.ring();
            });
            ::pthread_setname_np(packer_.native_handle(), "reeve-pack");
        } catch (const std::system_error& failure) {
            Task& task = tasks_.at(packing_);
            task.pack_queued = false;
            tell(system_error("cannot start a thread to compress", failure.code().value()),
                 task.pack_failed);
        }
    }

    void finish_packing() {
        if (!shared_.packed.heard()) return;
        packer_.join();
        const auto found = tasks_.find(packing_);
        if (found == tasks_.end()) return;
        Task& task = found->second;
        task.pack_queued = false;
        tell(outcome_.problem, task.pack_failed);
        if (outcome_.more) task.may_pack = true;
        enqueue(packing_, task);
    }

    void queue_those_due() {
        const WallTime now = wall_now();
        for (auto& [service, task] : tasks_) {
            if (!task.next || *task.next > now) continue;
            task.next.reset();
            enqueue(service, task);
        }
    }

    /// Until there are orders, files have been compressed, or the next one is too old.
    void sleep() {
        itimerspec when{};
        std::optional<WallTime> next;
        for (const auto& [service, task] : tasks_) {
            if (task.next) next = std::min(next.value_or(*task.next), *task.next);
        }
        if (next) {
            const auto since_1970 = next->time_since_epoch();
            const auto seconds = std::chrono::floor<std::chrono::seconds>(since_1970);
            when.it_value = {seconds.count(), (since_1970 - seconds).count()};
        }
        ::timerfd_settime(shared_.alarm.get(), TFD_TIMER_ABSTIME, &when, nullptr);
        std::array<pollfd, 3> any{{{shared_.orders.fd(), POLLIN, 0},
                                   {shared_.alarm.get(), POLLIN, 0},
                                   {shared_.packed.fd(), POLLIN, 0}}};
        ::poll(any.data(), any.size(), -1);
    }

    std::string folder(const std::string& service) const { return shared_.log_dir + "/" + service; }

    Archive::Shared& shared_;
    Tasks tasks_;
    std::deque<std::string> queue_;    // of those to be tended now
    std::deque<std::string> to_pack_;  // of those with files to be compressed
    // Left alone while the second thread runs, which reads the one and writes the other.
    std::string packing_;
    Compressed outcome_;
    std::thread packer_;
};

}  // namespace

Archive::Archive(std::string log_dir) : shared_(std::make_shared<Shared>()) {
    shared_->log_dir = std::move(log_dir);
    shared_->alarm.reset(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
}

Archive::~Archive() {
    if (!thread_.joinable()) return;
    shared_->stop = true;
    shared_->orders.ring();
    pollfd ended{shared_->ended.fd(), POLLIN, 0};
    const auto patience = std::chrono::milliseconds(kPatience).count();
    if (::poll(&ended, 1, static_cast<int>(patience)) == 1) {
        thread_.join();
    } else {
        thread_.detach();
    }
}

void Archive::tend(const std::string& service, const config::Log& rules) {
    if (shared_->log_dir.empty()) return;
    shared_->orders.put({service, rules});
    if (!thread_.joinable()) start();
}

void Archive::forget(const std::string& service) {
    if (thread_.joinable()) shared_->orders.put({service, std::nullopt});
}

int Archive::fd() const {
    const Shared& all = *shared_;
    const bool complete =
        all.orders.fd() >= 0 && all.alarm && all.packed.fd() >= 0 && all.ended.fd() >= 0;
    return complete ? all.notices.fd() : -1;
}

std::vector<Archive::Notice> Archive::take_notices() { return shared_->notices.take(); }

void Archive::start() {
    // Signals are meant for others, and a thread begins with its maker's mask.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        thread_ = std::thread([shared = shared_] {
            Keeper(*shared).run();
            shared->ended.ring();
        });
        ::pthread_setname_np(thread_.native_handle(), "reeve-archive");
    } catch (const std::system_error& failure) {
        // What was ordered waits for the next order.
        const Error why =
            system_error("cannot start the thread that tends log files", failure.code().value());
        shared_->notices.put(Problem{why.text()});
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace reeve::log
