#include "supervisor/shell/keeper_tree.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>

#include "supervisor/os/keeper.h"
#include "supervisor/os/process_tree.h"
#include "supervisor/shell/marked_tree.h"
#include "supervisor/shell/marks.h"
#include "supervisor/shell/resumed.h"

namespace reeve::shell {

namespace {

/// So long the loop may be held up by a tree that forks as fast as it is killed.
constexpr Duration felling_slice = 20ms;

/// A keeper reports an end right after it has reaped.
constexpr Duration patience_with_report = 100ms;

/// How often is looked whether a keeper that has just been born has become one.
constexpr Duration birth_interval = 10ms;

}  // namespace

KeeperTree::KeeperTree(Containments& all, state::Tree record, std::string name,
                       std::string invocation_id, std::string why)
    : Containment(all, std::move(record)),
      name_(std::move(name)),
      invocation_id_(std::move(invocation_id)),
      why_(std::move(why)),
      reports_(all.io_),
      later_(all.io_) {}

KeeperTree::~KeeperTree() {
    all_.let_go_of_main(record_.number);
    all_.children_.forget(main_);
    if (keeper_ == 0 || foreign_keeper_) return;
    all_.children_.forget(keeper_);
    all_.marks_->spare(keeper_);
}

os::SpawnResult KeeperTree::start(os::SpawnSpec spec, OnEnd on_end) {
    auto pipe = os::make_keeper_pipe();
    if (!pipe) return os::SpawnFailure{"pipe", "", pipe.error().errnum.value_or(0)};
    boost::system::error_code error;
    reports_.assign(pipe->reading.get(), error);
    if (error) return os::SpawnFailure{"epoll_ctl", "", error.value()};
    (void)pipe->reading.release();
    const auto births = all_.births_.expect(record_.number);
    spec.keeper = os::KeeperSpec{all_.keeper_image_.get(), pipe->writing.get(),
                                 std::string("reeve-keeper: ").append(name_), births.keeper};
    spec.birth = births.main;
    auto result = all_.spawner_.spawn(spec);
    auto* spawned = std::get_if<os::Spawned>(&result);
    if (spawned == nullptr) return result;
    on_end_ = std::move(on_end);
    main_ = spawned->pid;
    keeper_ = spawned->keeper;
    leader_ = std::move(spawned->pidfd);
    record_.first = record_.main = identify(main_);
    all_.hold_main(record_, leader_.get());
    if (keeper_ != 0) record_.keeper = identify(keeper_);
    if (keeper_ == 0) {
        std::string why = "cannot execute a keeper: ";
        why += Error::strerrordesc(spawned->keeper_errnum);
        why_.append("; ").append(why);
        if (!Containments::may_pass(spawned->keeper_errnum)) all_.do_without_keepers(why);
        keeper_lost();
        return result;
    }
    expect_keeper();
    await_reports();
    return result;
}

void KeeperTree::expect_keeper() {
    all_.children_.expect(keeper_, [this](const os::Ended& end) { keeper_ended(end); });
    // One that somebody has stopped would hide what ends.
    all_.children_.keep_awake(keeper_);
    if (main_ == 0) return;
    // It becomes ours if somebody kills the keeper.
    all_.children_.expect(main_, [this](const os::Ended& end) { main_ended(end); });
}

bool KeeperTree::resume(const state::Tree& tree, OnEnd on_end) {
    record_ = all_.with_births(tree);
    if (record_.first.pid == 0) return false;
    inherited_ = true;
    main_ = record_.main.pid;
    if (main_ != 0) on_end_ = std::move(on_end);
    leader_ = find_process(record_.first);
    if (Fd keeper = find_process(record_.keeper)) {
        resume_with_keeper(std::move(keeper));
    } else {
        resume_without_keeper();
    }
    return true;
}

void KeeperTree::resume_with_keeper(Fd keeper) {
    keeper_ = record_.keeper.pid;
    if (os::is_child(keeper_)) {
        expect_keeper();
        all_.sweep_soon();
    } else {
        // Nobody tells us when somebody stops it.
        (void)os::send_signal(keeper.get(), SIGCONT);
        const auto told = [this](const os::Ended& end) {
            // It is what calls us.
            asio::post(all_.io_, [over = std::shared_ptr(std::move(foreign_keeper_))] {});
            keeper_ended(end);
        };
        foreign_keeper_ =
            std::make_unique<ForeignProcess>(all_.io_, keeper_, std::move(keeper), told);
    }
    open_reports();
    if (main_ == 0) return;
    Fd main = find_process(record_.main);
    if (!main) return miss_main();
    all_.hold_main(record_, main.get());
    // The keeper tells of its own children alone.
    if (record_.main == record_.first) return;
    const auto told = [this](const os::Ended& end) { main_ended(end); };
    adopted_ = std::make_unique<ForeignProcess>(all_.io_, main_, std::move(main), told);
}

/// It had ended before it was taken over: either the keeper has reported that, or nobody will.
void KeeperTree::miss_main() {
    auto timer = std::make_shared<asio::steady_timer>(all_.io_, patience_with_report);
    timer->async_wait([this, timer, pid = main_, alive = std::weak_ptr(alive_)](const auto&) {
        if (alive.expired() || fallback_) return;
        read_reports();
        main_ended({pid, all_.end_of_lost_main(record_.number), {}});
    });
}

void KeeperTree::open_reports() {
    auto pipe = os::open_reports_of(keeper_);
    boost::system::error_code error;
    if (pipe) reports_.assign(pipe->get(), error);
    if (pipe && !error) {
        (void)pipe->release();
        return await_reports();
    }
    later_.expires_after(birth_interval);
    later_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& failed) {
        if (!failed && !alive.expired() && keeper_ != 0) open_reports();
    });
}

void KeeperTree::resume_without_keeper() {
    why_ += "; its keeper is gone";
    if (find_process(record_.main)) {
        all_.log_.warning(name_ + ": its keeper is gone; what cleans its environment may get away");
    }
    record_.kind = state::Tree::Kind::Marks;
    record_.keeper = {};
    fallback_ = std::make_unique<MarkedTree>(all_, record_, invocation_id_, why_);
    (void)fallback_->resume(record_, [this](const os::Ended& end) { main_ended(end); });
}

Result<> KeeperTree::adopt(pid_t pid, OnEnd on_end) {
    if (fallback_) {
        auto adopted = fallback_->adopt(pid, [this](const os::Ended& end) { main_ended(end); });
        if (!adopted) return adopted;
        main_ = pid;
        record_.main = identify(pid);
        on_end_ = std::move(on_end);
        return {};
    }
    auto pidfd = hold(pid);
    if (!pidfd) return pidfd.error();
    all_.children_.forget(std::exchange(main_, 0));
    on_end_ = nullptr;
    // What was reported until now of this number was another's.
    read_reports();
    main_ = pid;
    record_.main = identify(pid);
    all_.hold_main(record_, pidfd->get());
    on_end_ = std::move(on_end);
    const auto told = [this](const os::Ended& end) { main_ended(end); };
    all_.children_.expect(pid, told);
    // The keeper tells of its own children alone.
    adopted_ = std::make_unique<ForeignProcess>(all_.io_, pid, std::move(*pidfd), told);
    return {};
}

std::vector<os::ProcessEntry> KeeperTree::members() {
    if (fallback_) return fallback_->members();
    if (keeper_ == 0) return {};
    std::vector<os::ProcessEntry> found = os::tree_of(keeper_);
    std::erase_if(found,
                  [this](const os::ProcessEntry& process) { return process.pid == keeper_; });
    for (os::ProcessEntry& process : found) {
        if (process.pid == main_) std::swap(process, found.front());
    }
    return found;
}

bool KeeperTree::is_member(pid_t pid) {
    if (fallback_) return fallback_->is_member(pid);
    return keeper_ != 0 && pid != keeper_ && os::descends_from(pid, keeper_);
}

void KeeperTree::signal_main(int signal) {
    if (fallback_) return fallback_->signal_main(signal);
    if (adopted_) return adopted_->signal(signal);
    if (main_ != 0) (void)os::send_signal(leader_.get(), signal);
}

void KeeperTree::signal_all(int signal) {
    if (fallback_) return fallback_->signal_all(signal);
    Containment::signal_all(signal);
}

void KeeperTree::kill() {
    if (fallback_) return fallback_->kill();
    killing_ = true;
    fell();
}

void KeeperTree::fell() {
    felling_soon_ = false;
    if (keeper_ == 0 || empty_) return;
    if (foreign_keeper_) foreign_keeper_->signal(SIGCONT);
    // Most are of one group, which goes at one blow.
    os::signal_group(leader_.get(), SIGKILL);
    const os::Felled felled = os::fell_below(keeper_, felling_slice);
    if (!felled.stood_still) return fell_soon();
    // Who was orphaned during the look may have been missed; whose end that was is reported.
    ends_to_next_look_ = std::max<std::size_t>(1, felled.count / 2);
}

void KeeperTree::fell_soon() {
    if (std::exchange(felling_soon_, true)) return;
    asio::post(all_.io_, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) fell();
    });
}

bool KeeperTree::empty() {
    if (fallback_) return fallback_->empty();
    return empty_ || keeper_ == 0;
}

void KeeperTree::await_empty(std::function<void()> emptied) {
    if (fallback_) return fallback_->await_empty(std::move(emptied));
    emptied_ = std::move(emptied);
    if (!empty()) return;
    asio::post(all_.io_, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) told_empty();
    });
}

/// If it has been reaped, and the kernel tells.
ExitStatus KeeperTree::status_of_first() const {
    return os::exit_of_reaped(leader_.get()).value_or(ExitStatus::unknown());
}

void KeeperTree::told_empty() {
    empty_ = true;
    if (const auto emptied = std::exchange(emptied_, nullptr)) emptied();
}

void KeeperTree::await_reports() {
    reports_.async_wait(
        asio::posix::stream_descriptor::wait_read,
        [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
            if (error || alive.expired() || keeper_ == 0) return;
            // One that is not our child may be over long before it is reaped.
            if (read_reports() && keeper_ != 0) await_reports();
        });
}

/// Whether there may be more.
bool KeeperTree::read_reports() {
    if (!reports_.is_open()) return false;
    bool last = false;
    const os::KeeperReports reports = os::read_reports(reports_.native_handle());
    for (const os::KeeperReport& report : reports.list) {
        last = last || report.last;
        // Before the end of the main process is told, so that it is known whether it was the last.
        if (last) empty_ = true;
        if (report.end.pid == main_) main_ended(report.end);
        if (ends_to_next_look_ > 0 && --ends_to_next_look_ == 0) fell_soon();
    }
    if (last) told_empty();
    return !last && !reports.over;
}

void KeeperTree::main_ended(const os::Ended& end) {
    if (end.pid != main_) return;
    main_ = 0;
    record_.main = {};
    // The fallback may hold it.
    if (!fallback_) all_.children_.forget(end.pid);
    // It may be what calls us.
    asio::post(all_.io_, [over = std::shared_ptr(std::move(adopted_))] {});
    if (const auto on_end = std::exchange(on_end_, nullptr)) on_end(end);
}

void KeeperTree::keeper_ended(const os::Ended& end) {
    if (!empty_) read_reports();
    keeper_ = 0;
    boost::system::error_code ignored;
    reports_.close(ignored);
    if (empty_ || end.status == ExitStatus::exited(0)) {
        empty_ = true;
        // Where its report could not be read.
        if (main_ != 0 && !adopted_) main_ended({main_, status_of_first(), {}});
        return told_empty();
    }
    all_.log_.warning(name_ + ": its keeper was " + end.status.text() +
                      "; what leaves its session and cleans its environment may get away");
    why_ += "; its keeper was ";
    why_ += end.status.text();
    keeper_lost();
}

void KeeperTree::keeper_lost() {
    record_.kind = state::Tree::Kind::Marks;
    record_.keeper = {};
    auto marked = std::make_unique<MarkedTree>(all_, record_, invocation_id_, why_);
    if (inherited_) marked->search_everywhere();
    const auto told = [this](const os::Ended& end) { main_ended(end); };
    if (adopted_) {
        // One that has gone is told of by who watches it until now.
        auto pidfd = os::open_pidfd(main_);
        if (pidfd && adopted_->exists()) {
            marked->take_over(main_, std::move(*pidfd), told);
            adopted_.reset();
        }
    } else if (main_ != 0 && os::is_child(main_)) {
        marked->take_over(main_, told);
    } else if (Fd main = find_process(record_.main)) {
        // It went elsewhere, as the keeper was not our child.
        marked->take_over(main_, std::move(main), told);
    } else if (main_ != 0) {
        // The keeper has reaped it, and could not tell us any more.
        asio::post(all_.io_, [this, pid = main_, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) return;
            all_.children_.forget(pid);
            main_ended({pid, status_of_first(), {}});
        });
    }
    fallback_ = std::move(marked);
    if (emptied_) fallback_->await_empty(std::exchange(emptied_, nullptr));
    if (killing_) fallback_->kill();
}

Tracking KeeperTree::tracking() const {
    if (fallback_) return fallback_->tracking();
    return {Tracking::By::Subreaper, {}, why_};
}

}  // namespace reeve::shell
