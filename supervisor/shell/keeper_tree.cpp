#include "supervisor/shell/keeper_tree.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>

#include "supervisor/os/keeper.h"
#include "supervisor/os/process_tree.h"
#include "supervisor/shell/marked_tree.h"

namespace reeve::shell {

namespace {

/// So long the loop may be held up by a tree that forks as fast as it is killed.
constexpr Duration felling_slice = 20ms;

}  // namespace

KeeperTree::KeeperTree(Containments& all, std::string name, std::string invocation_id,
                       std::string why)
    : all_(all),
      name_(std::move(name)),
      invocation_id_(std::move(invocation_id)),
      why_(std::move(why)),
      reports_(all.io_) {}

KeeperTree::~KeeperTree() {
    all_.children_.forget(main_);
    if (keeper_ == 0) return;
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
    spec.keeper = os::KeeperSpec{all_.keeper_image_.get(), pipe->writing.get(),
                                 std::string("reeve-keeper: ").append(name_)};
    auto result = all_.spawner_.spawn(spec);
    auto* spawned = std::get_if<os::Spawned>(&result);
    if (spawned == nullptr) return result;
    on_end_ = std::move(on_end);
    main_ = spawned->pid;
    keeper_ = spawned->keeper;
    leader_ = std::move(spawned->pidfd);
    if (keeper_ == 0) {
        std::string why = "cannot execute a keeper: ";
        why += Error::strerrordesc(spawned->keeper_errnum);
        why_.append("; ").append(why);
        if (!Containments::may_pass(spawned->keeper_errnum)) all_.do_without_keepers(why);
        keeper_lost();
        return result;
    }
    all_.children_.expect(keeper_, [this](const os::Ended& end) { keeper_ended(end); });
    // One that somebody has stopped would hide what ends.
    all_.children_.keep_awake(keeper_);
    // It becomes ours if somebody kills the keeper.
    all_.children_.expect(main_, [this](const os::Ended& end) { main_ended(end); });
    await_reports();
    return result;
}

Result<> KeeperTree::adopt(pid_t pid, OnEnd on_end) {
    if (fallback_) return fallback_->adopt(pid, std::move(on_end));
    auto pidfd = hold(pid);
    if (!pidfd) return pidfd.error();
    all_.children_.forget(std::exchange(main_, 0));
    on_end_ = nullptr;
    // What was reported until now of this number was another's.
    read_reports();
    main_ = pid;
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

void KeeperTree::told_empty() {
    empty_ = true;
    if (const auto emptied = std::exchange(emptied_, nullptr)) emptied();
}

void KeeperTree::await_reports() {
    reports_.async_wait(
        asio::posix::stream_descriptor::wait_read,
        [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
            if (error || alive.expired() || keeper_ == 0) return;
            await_reports();
            read_reports();
        });
}

void KeeperTree::read_reports() {
    bool last = false;
    for (const os::KeeperReport& report : os::read_reports(reports_.native_handle())) {
        last = last || report.last;
        // Before the end of the main process is told, so that it is known whether it was the last.
        if (last) empty_ = true;
        if (report.end.pid == main_) main_ended(report.end);
        if (ends_to_next_look_ > 0 && --ends_to_next_look_ == 0) fell_soon();
    }
    if (last) told_empty();
}

void KeeperTree::main_ended(const os::Ended& end) {
    if (end.pid != main_) return;
    main_ = 0;
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
    if (end.status == ExitStatus::exited(0)) return told_empty();
    if (empty_) return;
    all_.log_.warning(name_ + ": its keeper was " + end.status.text() +
                      "; what leaves its session and cleans its environment may get away");
    why_ += "; its keeper was ";
    why_ += end.status.text();
    keeper_lost();
}

void KeeperTree::keeper_lost() {
    auto marked = std::make_unique<MarkedTree>(*all_.marks_, invocation_id_, why_);
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
    } else if (main_ != 0) {
        // The keeper has reaped it, and could not tell us any more.
        asio::post(all_.io_, [this, pid = main_, alive = std::weak_ptr(alive_)] {
            if (alive.expired()) return;
            const auto status = os::exit_of_reaped(leader_.get());
            all_.children_.forget(pid);
            main_ended({pid, status.value_or(ExitStatus::unknown()), {}});
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
