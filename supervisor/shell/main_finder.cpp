#include "supervisor/shell/main_finder.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "supervisor/os/service_pid_file.h"

namespace reeve::shell {

namespace {

/// How often is looked at what the kernel does not tell of.
constexpr Duration slow = 500ms;

/// A daemon that forks twice leaves for a moment a process that is about to end: whatever is to be
/// the main process must have stayed this long, and if it is just running, some times more.
constexpr Duration settling = 100ms;
constexpr int most_patience = 10;

/// The oldest of those whose parent is none of them.
const os::ProcessEntry* oldest_orphan(const std::vector<os::ProcessEntry>& members) {
    const os::ProcessEntry* oldest = nullptr;
    for (const os::ProcessEntry& process : members) {
        const auto is_parent = [&](const os::ProcessEntry& other) {
            return other.pid == process.ppid;
        };
        if (!process.live() || std::any_of(members.begin(), members.end(), is_parent)) continue;
        const auto age = [](const os::ProcessEntry& p) { return std::tie(p.start_time, p.pid); };
        if (oldest == nullptr || age(process) < age(*oldest)) oldest = &process;
    }
    return oldest;
}

}  // namespace

MainFinder::MainFinder(asio::io_context& io, std::string pid_file, os::StartMark start, Tree tree,
                       Listener listener)
    : pid_file_(std::move(pid_file)),
      start_(start),
      tree_(std::move(tree)),
      listener_(std::move(listener)),
      watched_(io),
      timer_(io),
      alive_(std::make_shared<int>()) {}

void MainFinder::look() {
    if (done_) return;
    if (pid_file_.empty()) return look_at_tree();
    look_at_file();
}

void MainFinder::look_at_file() {
    watch_file();
    const auto content = os::read_service_pid_file(pid_file_, start_);
    if (const auto* const not_yet = std::get_if<os::NotYet>(&content)) {
        return tell_of_file(not_yet->why);
    }
    const pid_t pid = std::get<os::NamedPid>(content).pid;
    const std::string names = "names process " + std::to_string(pid) + ", which is ";
    const auto process = os::read_process(pid);
    if (!process || !process->live()) return tell_of_file(names + "gone");
    if (!tree_.is_member(pid)) return tell_of_file(names + "not of this service");
    found(pid);
}

void MainFinder::watch_file() {
    if (!watch_) {
        auto watch = os::PathWatch::open(pid_file_);
        boost::system::error_code error;
        if (watch) watched_.assign(watch->fd(), error);
        if (!watch || error) return look_after(slow);
        (void)watch->release();
        watch_ = std::move(*watch);
        await_file();
    }
    if (!watch_->follow()) look_after(slow);
}

void MainFinder::await_file() {
    watched_.async_wait(
        asio::posix::stream_descriptor::wait_read,
        [this, alive = std::weak_ptr<int>(alive_)](const boost::system::error_code& error) {
            if (error || alive.expired()) return;
            const bool matters = watch_->drain();
            await_file();
            if (matters) look();
        });
}

void MainFinder::look_at_tree() {
    const auto members = tree_.members();
    const os::ProcessEntry* const oldest = oldest_orphan(members);
    if (oldest == nullptr) {
        candidate_.reset();
        look_after(slow);
        return tell("its first process has ended and left none behind");
    }
    const Candidate candidate{oldest->pid, oldest->start_time};
    if (candidate_ != candidate) {
        candidate_ = candidate;
        patience_ = most_patience;
        timer_runs_ = false;
        return look_after(settling);
    }
    if (timer_runs_) return;
    if (oldest->state == 'R' && patience_-- > 0) return look_after(settling);
    found(oldest->pid);
}

void MainFinder::look_after(Duration wait) {
    if (std::exchange(timer_runs_, true)) return;
    timer_.expires_after(wait);
    timer_.async_wait(
        [this, alive = std::weak_ptr<int>(alive_)](const boost::system::error_code& error) {
            if (error || alive.expired()) return;
            timer_runs_ = false;
            look();
        });
}

void MainFinder::found(pid_t pid) {
    if (!listener_.found(pid)) return look_after(slow);
    stop();
}

void MainFinder::stop() {
    done_ = true;
    timer_.cancel();
    boost::system::error_code ignored;
    watched_.close(ignored);
}

void MainFinder::tell(std::string why) {
    if (std::exchange(told_, why) == why) return;
    listener_.awaited(std::move(why));
}

void MainFinder::tell_of_file(const std::string& why) {
    std::string sentence = "its PID file ";
    sentence += pid_file_;
    sentence += ' ';
    sentence += why;
    tell(std::move(sentence));
}

}  // namespace reeve::shell
