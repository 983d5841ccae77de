#include "supervisor/shell/cgroup_tree.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "supervisor/os/cgroup.h"
#include "supervisor/os/process_tree.h"
#include "supervisor/shell/resumed.h"

namespace reeve::shell {

namespace {

/// How often is looked for what cannot be watched.
constexpr Duration look_interval = 100ms;

}  // namespace

CgroupTree::CgroupTree(Containments& all, state::Tree record, const std::string& invocation_id)
    : Containment(all, std::move(record)),
      folder_(all.folder_ + "/" + record_.cgroup),
      events_(all.io_),
      strays_(all.path_, path(), invocation_id),
      later_(all.io_) {
    all_.inhabited_.insert(folder_);
}

CgroupTree::~CgroupTree() {
    all_.children_.forget(main_);
    if (adopted_) all_.children_.forget(adopted_->pid());
    all_.let_go_of_main(record_.number);
    all_.inhabited_.erase(folder_);
    all_.retire_cgroup(std::move(folder_));
}

os::SpawnResult CgroupTree::start(os::SpawnSpec spec, OnEnd on_end) {
    const auto cgroup = os::open_cgroup(folder_);
    if (!cgroup)
        return os::SpawnFailure{"open the cgroup", folder_, cgroup.error().errnum.value_or(0)};
    spec.cgroup = cgroup->get();
    spec.birth = all_.births_.expect(record_.number).main;
    auto result = all_.spawner_.spawn(spec);
    const auto* spawned = std::get_if<os::Spawned>(&result);
    if (spawned == nullptr) return result;
    record_.first = record_.main = identify(spawned->pid);
    all_.hold_main(record_, spawned->pidfd.get());
    expect(spawned->pid, std::move(on_end));
    return result;
}

bool CgroupTree::resume(const state::Tree& tree, OnEnd on_end) {
    record_ = all_.with_births(tree);
    if (record_.first.pid == 0) {
        const pid_t first = oldest();
        if (first == 0) return false;
        record_.first = record_.main = identify(first);
    }
    if (record_.main.pid == 0) return true;
    const pid_t main = record_.main.pid;
    Fd pidfd = find_process(record_.main);
    if (!pidfd) {
        lost_main([this, on_end = std::move(on_end)](const os::Ended& end) {
            on_end(end);
            look_soon();
        });
        return true;
    }
    all_.hold_main(record_, pidfd.get());
    if (os::is_child(main)) {
        expect(main, std::move(on_end));
        all_.sweep_soon();
    } else {
        watch(main, std::move(pidfd), std::move(on_end));
    }
    return true;
}

/// The first process, if nobody has noted its birth: the oldest that is there, a zombie only if it
/// is our child.
pid_t CgroupTree::oldest() const {
    std::vector<pid_t> candidates = os::cgroup_members(folder_);
    for (const pid_t child : os::children_of(::getpid())) {
        if (os::is_in_cgroup(child, path())) candidates.push_back(child);
    }
    pid_t oldest = 0;
    std::uint64_t born = UINT64_MAX;
    for (const pid_t pid : candidates) {
        const auto process = os::read_process(pid);
        if (!process || process->start_time > born) continue;
        // Numbers of one clock tick mostly grow.
        if (process->start_time == born && pid > oldest) continue;
        oldest = pid;
        born = process->start_time;
    }
    return oldest;
}

void CgroupTree::expect(pid_t child, OnEnd on_end) {
    main_ = child;
    strays_.led_by(child);
    const auto told = [this, on_end = std::move(on_end)](const os::Ended& end) {
        main_ = 0;
        record_.main = {};
        on_end(end);
        look_soon();
    };
    all_.children_.expect(child, told, [this] { strays_.look_at(main_); });
}

Result<> CgroupTree::adopt(pid_t pid, OnEnd on_end) {
    auto pidfd = hold(pid);
    if (!pidfd) return pidfd.error();
    all_.children_.forget(std::exchange(main_, 0));
    if (adopted_) all_.children_.forget(adopted_->pid());
    record_.main = identify(pid);
    all_.hold_main(record_, pidfd->get());
    watch(pid, std::move(*pidfd), std::move(on_end));
    return {};
}

void CgroupTree::watch(pid_t pid, Fd pidfd, OnEnd on_end) {
    // Whoever sees it first: if it is our child, it may be reaped with others.
    const auto told = [this, on_end = std::move(on_end)](const os::Ended& end) {
        // Both of those who watch it may have seen its end at once, and another followed it since.
        if (!adopted_ || adopted_->pid() != end.pid) return;
        all_.children_.forget(end.pid);
        auto over = std::exchange(adopted_, nullptr);
        asio::post(all_.io_, [over = std::shared_ptr(std::move(over))] {});
        record_.main = {};
        on_end(end);
        look_soon();
    };
    strays_.led_by(pid);
    all_.children_.expect(pid, told, [this, pid] { strays_.look_at(pid); });
    adopted_ = std::make_unique<ForeignProcess>(all_.io_, pid, std::move(pidfd), told);
}

std::vector<os::ProcessEntry> CgroupTree::members() {
    std::vector<os::ProcessEntry> found;
    strays_.look_at(main());
    if (strays_.any()) {
        found = strays_.find(main());
        const auto known = [this](const auto& process) { return process.pid == main(); };
        const auto process = os::read_process(main());
        if (process && process->live() && std::none_of(found.begin(), found.end(), known)) {
            found.push_back(*process);
        }
    }
    for (const pid_t pid : os::cgroup_members(folder_)) {
        auto process = os::read_process(pid);
        if (!process || !process->live()) continue;
        found.push_back(std::move(*process));
    }
    for (os::ProcessEntry& process : found) {
        if (process.pid == main()) std::swap(process, found.front());
    }
    return found;
}

bool CgroupTree::is_member(pid_t pid) { return pid == main() || os::is_in_cgroup(pid, path()); }

void CgroupTree::signal_main(int signal) {
    if (adopted_) return adopted_->signal(signal);
    // Ours, and not reaped yet: the number is its own.
    if (main_ != 0) ::kill(main_, signal);
}

void CgroupTree::kill() {
    killing_ = true;
    strays_.look_at(main());
    const auto killed = os::kill_cgroup(folder_);
    if (!killed) {
        if (!kill_failed_) all_.log_.warning(killed.error().text() + "; trying again");
        signal_all(SIGKILL);
        look_later();
    }
    kill_failed_ = !killed;
    kill_strays();
    // Wherever it is.
    signal_main(SIGKILL);
}

void CgroupTree::kill_strays() {
    for (const os::ProcessEntry& stray : strays_.find(main())) {
        (void)os::signal_process(stray, SIGKILL);
    }
}

bool CgroupTree::empty() {
    return main() == 0 && !os::is_populated(folder_) && strays_.find(0).empty();
}

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
    look_soon();
}

void CgroupTree::look_soon() {
    if (!emptied_) return;
    asio::post(all_.io_, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) look();
    });
}

void CgroupTree::look_later() {
    if (std::exchange(looking_later_, true)) return;
    later_.expires_after(look_interval);
    later_.async_wait(
        [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
            if (error || alive.expired()) return;
            looking_later_ = false;
            if (kill_failed_) kill();
            look();
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
    const bool watched = events_.is_open();
    const bool populated =
        watched ? os::has_population(events_.native_handle()) : os::is_populated(folder_);
    const bool stray = !strays_.find(main()).empty();
    if (stray && killing_) kill_strays();
    if (stray || (populated && !watched)) look_later();
    // The end of the main process looks again.
    if (stray || populated || main() != 0) return;
    boost::system::error_code ignored;
    events_.close(ignored);
    std::exchange(emptied_, nullptr)();
}

std::string CgroupTree::path() const { return all_.path_ + folder_.substr(folder_.rfind('/')); }

Tracking CgroupTree::tracking() const {
    const bool left = strays_.any() || (main() != 0 && os::is_out_of_cgroup(main(), path()));
    return {Tracking::By::Cgroup, path(), left ? "its main process has left it" : ""};
}

}  // namespace reeve::shell
