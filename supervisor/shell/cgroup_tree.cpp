#include "supervisor/shell/cgroup_tree.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>

#include "supervisor/os/cgroup.h"

namespace reeve::shell {

CgroupTree::CgroupTree(Containments& all, std::string folder)
    : all_(all), folder_(std::move(folder)), events_(all.io_) {}

CgroupTree::~CgroupTree() {
    all_.children_.forget(main_);
    if (adopted_) all_.children_.forget(adopted_->pid());
    all_.retire_cgroup(std::move(folder_));
}

os::SpawnResult CgroupTree::start(os::SpawnSpec spec, OnEnd on_end) {
    const auto cgroup = os::open_cgroup(folder_);
    if (!cgroup)
        return os::SpawnFailure{"open the cgroup", folder_, cgroup.error().errnum.value_or(0)};
    spec.cgroup = cgroup->get();
    auto result = all_.spawner_.spawn(spec);
    const auto* spawned = std::get_if<os::Spawned>(&result);
    if (spawned == nullptr) return result;
    main_ = spawned->pid;
    all_.children_.expect(main_, [this, on_end = std::move(on_end)](const os::Ended& end) {
        main_ = 0;
        on_end(end);
    });
    return result;
}

Result<> CgroupTree::adopt(pid_t pid, OnEnd on_end) {
    auto pidfd = os::open_pidfd(pid);
    if (!pidfd) return pidfd.error();
    // Now that it is held, it cannot become another between this look and the next.
    const auto process = os::read_process(pid);
    if (!process || !process->live() || !is_member(pid)) {
        return system_error("cannot watch process " + std::to_string(pid), ESRCH);
    }
    all_.children_.forget(std::exchange(main_, 0));
    if (adopted_) all_.children_.forget(adopted_->pid());
    // Whoever sees it first: if it is our child, it may be reaped with others.
    const auto told = [this, on_end = std::move(on_end)](const os::Ended& end) {
        all_.children_.forget(end.pid);
        auto over = std::exchange(adopted_, nullptr);
        asio::post(all_.io_, [over = std::shared_ptr(std::move(over))] {});
        on_end(end);
    };
    all_.children_.expect(pid, told);
    adopted_ = std::make_unique<ForeignProcess>(all_.io_, pid, std::move(*pidfd), told);
    return {};
}

std::vector<os::ProcessEntry> CgroupTree::members() {
    std::vector<os::ProcessEntry> found;
    const pid_t main = adopted_ ? adopted_->pid() : main_;
    for (const pid_t pid : os::cgroup_members(folder_)) {
        auto process = os::read_process(pid);
        if (!process || !process->live()) continue;
        found.push_back(std::move(*process));
        if (pid == main) std::swap(found.front(), found.back());
    }
    return found;
}

bool CgroupTree::is_member(pid_t pid) { return os::is_in_cgroup(pid, path()); }

void CgroupTree::signal_main(int signal) {
    if (adopted_) return adopted_->signal(signal);
    // Ours, and not reaped yet: the number is its own.
    if (main_ != 0) ::kill(main_, signal);
}

void CgroupTree::kill() {
    if (!os::kill_cgroup(folder_)) signal_all(SIGKILL);
}

bool CgroupTree::empty() { return !os::is_populated(folder_); }

void CgroupTree::await_empty(std::function<void()> emptied) {
    emptied_ = std::move(emptied);
    if (events_.is_open()) return;
    auto events = os::watch_population(folder_);
    boost::system::error_code error;
    if (events) {
        events_.assign(events->get(), error);
        if (!error) (void)events->release();
    }
    if (!events || error) {
        all_.log_.warning(events ? "cannot watch the cgroup " + folder_ : events.error().text());
    } else {
        watch();
    }
    asio::post(all_.io_, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) look();
    });
}

void CgroupTree::watch() {
    events_.async_wait(
        asio::posix::stream_descriptor::wait_error,
        [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
            if (error || alive.expired()) return;
            look();
            if (events_.is_open()) watch();
        });
}

void CgroupTree::look() {
    if (!emptied_) return;
    if (events_.is_open() ? os::has_population(events_.native_handle()) : !empty()) return;
    boost::system::error_code ignored;
    events_.close(ignored);
    std::exchange(emptied_, nullptr)();
}

std::string CgroupTree::path() const { return all_.path_ + folder_.substr(folder_.rfind('/')); }

Tracking CgroupTree::tracking() const { return {Tracking::By::Cgroup, path(), {}}; }

}  // namespace reeve::shell
