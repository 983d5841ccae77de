#include "supervisor/shell/marked_tree.h"

#include <signal.h>
#include <unistd.h>

#include <set>
#include <utility>

#include "supervisor/os/process_tree.h"
#include "supervisor/shell/marks.h"
#include "supervisor/shell/resumed.h"

namespace reeve::shell {

namespace {

/// How often is looked for what cannot be watched.
constexpr Duration look_interval = 100ms;

}  // namespace

MarkedTree::MarkedTree(Containments& all, state::Tree record, std::string invocation_id,
                       std::string why)
    : Containment(all, std::move(record)),
      marks_(*all.marks_),
      invocation_id_(std::move(invocation_id)),
      why_(std::move(why)),
      later_(all.io_) {
    if (!invocation_id_.empty()) marks_.know_by_invocation(invocation_id_, *this);
}

MarkedTree::~MarkedTree() {
    all_.let_go_of_main(record_.number);
    marks_.await_no_more(*this);
    for (const auto& [pid, start_time] : noted_) marks_.forget_note(pid, *this);
    marks_.forget(*this, invocation_id_, leader_);
    if (adopted_) all_.children_.forget(adopted_->pid());
    all_.children_.forget(leader_);
}

os::SpawnResult MarkedTree::start(os::SpawnSpec spec, OnEnd on_end) {
    spec.birth = all_.births_.expect(record_.number).main;
    auto result = all_.spawner_.spawn(spec);
    if (const auto* spawned = std::get_if<os::Spawned>(&result)) {
        record_.first = record_.main = identify(spawned->pid);
        all_.hold_main(record_, spawned->pidfd.get());
        take_over(spawned->pid, std::move(on_end));
    }
    return result;
}

void MarkedTree::take_over(pid_t main, OnEnd on_end) {
    if (main == 0) return;
    leader_ = main;
    leader_ended_ = false;
    on_end_ = std::move(on_end);
    marks_.know_by_leader(main, *this);
    all_.children_.hold(main, [this](const os::Ended& end) {
        leader_ended_ = true;
        if (!adopted_) main_ended(end);
    });
}

bool MarkedTree::resume(const state::Tree& tree, OnEnd on_end) {
    record_ = all_.with_births(tree);
    if (record_.first.pid == 0) {
        everywhere_ = true;
        for (const os::ProcessEntry& process : strangers()) {
            const auto oldest = record_.first.pid == 0 ? UINT64_MAX : record_.first.start_time;
            if (process.start_time < oldest) record_.first = {process.pid, process.start_time};
        }
        record_.main = record_.first;
    }
    if (record_.first.pid == 0) return false;
    const bool replaced = record_.main != record_.first;
    if (find_process(record_.first) && os::is_child(record_.first.pid)) {
        take_over(record_.first.pid, replaced ? nullptr : on_end);
        all_.sweep_soon();
        if (!replaced) return true;
    } else {
        search_everywhere();
    }
    if (record_.main.pid == 0) return true;
    if (Fd pidfd = find_process(record_.main)) {
        all_.hold_main(record_, pidfd.get());
        take_over(record_.main.pid, std::move(pidfd), std::move(on_end));
    } else {
        lost_main(std::move(on_end));
    }
    return true;
}

void MarkedTree::search_everywhere() {
    everywhere_ = true;
    group_ = find_process(record_.first);
}

Result<> MarkedTree::adopt(pid_t pid, OnEnd on_end) {
    auto pidfd = hold(pid);
    if (!pidfd) return pidfd.error();
    if (pid == leader_) return error("cannot watch process " + std::to_string(pid) + " again");
    if (adopted_) all_.children_.forget(adopted_->pid());
    record_.main = identify(pid);
    on_end_ = std::move(on_end);
    watch(pid, std::move(*pidfd));
    return {};
}

void MarkedTree::take_over(pid_t adopted, Fd pidfd, OnEnd on_end) {
    on_end_ = std::move(on_end);
    watch(adopted, std::move(pidfd));
}

void MarkedTree::watch(pid_t pid, Fd pidfd) {
    const auto told = [this](const os::Ended& end) {
        if (!adopted_ || adopted_->pid() != end.pid) return;
        all_.children_.forget(end.pid);
        // It may be what calls us.
        asio::post(all_.io_, [over = std::shared_ptr(std::move(adopted_))] {});
        main_ended(end);
    };
    // Whoever sees it first: if it is our child, it may be reaped with others.
    all_.children_.expect(pid, told);
    adopted_ = std::make_unique<ForeignProcess>(all_.io_, pid, std::move(pidfd), told);
}

void MarkedTree::main_ended(const os::Ended& end) {
    if (end.pid == record_.main.pid) record_.main = {};
    if (const auto on_end = std::exchange(on_end_, nullptr)) on_end(end);
}

std::vector<os::ProcessEntry> MarkedTree::members() {
    // Who was orphaned by one that is not our child came without a signal.
    marks_.count_orphans_anew();
    std::vector<pid_t> tops = marks_.orphans_of(*this);
    if (leader_ != 0 && !leader_ended_) tops.insert(tops.begin(), leader_);
    if (adopted_) tops.insert(tops.begin(), adopted_->pid());
    std::set<pid_t> known;
    std::vector<os::ProcessEntry> found;
    for (const pid_t top : tops) {
        for (os::ProcessEntry& process : os::tree_of(top)) {
            if (known.insert(process.pid).second) found.push_back(std::move(process));
        }
    }
    for (const os::ProcessEntry& stranger : strangers()) {
        for (os::ProcessEntry& process : os::tree_of(stranger.pid)) {
            if (known.insert(process.pid).second) found.push_back(std::move(process));
        }
    }
    return found;
}

/// What bears our mark, or was noted, and need not be below us.
std::vector<os::ProcessEntry> MarkedTree::strangers() {
    if (!everywhere_) return {};
    std::vector<os::ProcessEntry> found = marks_.strangers_of(*this);
    for (const auto& [pid, start_time] : noted_) {
        auto process = os::read_process(pid);
        if (!process || !process->live() || !is_noted(*process)) continue;
        found.push_back(std::move(*process));
    }
    return found;
}

bool MarkedTree::is_noted(const os::ProcessEntry& process) const {
    const auto note = noted_.find(process.pid);
    return note != noted_.end() && note->second == process.start_time;
}

bool MarkedTree::bears_id(pid_t pid) const {
    return !invocation_id_.empty() &&
           os::environment_value(pid, "REEVE_INVOCATION_ID") == invocation_id_;
}

bool MarkedTree::is_member(pid_t pid) {
    const pid_t self = ::getpid();
    // More generations than any service has: a chain that changes while it is walked cannot keep
    // us.
    for (int generation = 0; generation < 256 && pid > 1; ++generation) {
        if (pid == leader_ || (adopted_ && pid == adopted_->pid())) return true;
        const auto process = os::read_process(pid);
        if (!process) return false;
        if (everywhere_ && (is_noted(*process) || bears_id(pid))) return true;
        if (process->ppid == self) {
            return !all_.children_.knows(pid) && marks_.owner_of(pid) == this;
        }
        pid = process->ppid;
    }
    return false;
}

/// To be called before any of them is ended: one with a cleaned environment and a session of its
/// own bears no other mark.
void MarkedTree::note_members() {
    const std::vector<os::ProcessEntry> present = members();
    // A service may be signalled often in a long life.
    std::erase_if(noted_, [this](const auto& note) {
        const auto process = os::read_process(note.first);
        if (process && process->start_time == note.second) return false;
        marks_.forget_note(note.first, *this);
        return true;
    });
    for (const os::ProcessEntry& process : present) {
        noted_[process.pid] = process.start_time;
        marks_.know_by_note(process.pid, *this);
    }
}

void MarkedTree::signal_main(int signal) {
    // CONT only follows another signal.
    if (signal != SIGCONT) note_members();
    if (adopted_) return adopted_->signal(signal);
    // Held, so the number is its own.
    if (leader_ != 0) ::kill(leader_, signal);
}

void MarkedTree::signal_all(int signal) {
    if (signal != SIGCONT) note_members();
    Containment::signal_all(signal);
}

void MarkedTree::kill() {
    killing_ = true;
    note_members();
    // All of its group at one blow, which those that fork cannot run away from.
    if (leader_ != 0) ::kill(-leader_, SIGKILL);
    if (group_) os::signal_group(group_.get(), SIGKILL);
    for (const pid_t orphan : marks_.orphans_of(*this)) (void)os::fell_below(orphan, 20ms);
    Containment::signal_all(SIGKILL);
}

bool MarkedTree::empty() {
    return leader_ended_ && !adopted_ && marks_.orphans_of(*this).empty() && strangers().empty();
}

void MarkedTree::await_empty(std::function<void()> emptied) {
    emptied_ = std::move(emptied);
    marks_.await_end_of(*this);
    asio::post(all_.io_, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) look();
    });
}

void MarkedTree::look() {
    if (!emptied_) return;
    if (empty()) {
        marks_.await_no_more(*this);
        return std::exchange(emptied_, nullptr)();
    }
    // What came to us since the last blow; what hides below it comes with its end.
    if (killing_) {
        for (const pid_t orphan : marks_.orphans_of(*this)) ::kill(orphan, SIGKILL);
        if (everywhere_) Containment::signal_all(SIGKILL);
    }
    if (everywhere_) look_later();
}

void MarkedTree::look_later() {
    later_.expires_after(look_interval);
    later_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& error) {
        if (!error && !alive.expired()) look();
    });
}

Tracking MarkedTree::tracking() const { return {Tracking::By::Marks, {}, why_}; }

}  // namespace reeve::shell
