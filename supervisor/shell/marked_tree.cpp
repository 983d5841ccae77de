#include "supervisor/shell/marked_tree.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "supervisor/os/directory.h"
#include "supervisor/shell/resumed.h"

namespace reeve::shell {

namespace {

/// One that the kernel keeps from ending must not keep us.
constexpr Duration patience_with_killed = 1s;

/// How often is looked for what cannot be watched.
constexpr Duration look_interval = 100ms;

/// So long a look at all processes counts, for all trees that need it.
constexpr Duration search_counts = 20ms;

}  // namespace

Marks::Marks(asio::io_context& io, Children& children, os::Spawner& spawner)
    : io_(io), children_(children), spawner_(spawner) {
    // Those that we were executed with are not ours to end.
    for (const pid_t pid : os::children_of(::getpid())) spared_.insert(pid);
    children_.on_reaped([this](pid_t pid) {
        orphans_.erase(pid);
        spared_.erase(pid);
    });
}

void Marks::end_nobodys(const std::function<bool(pid_t)>& spares) {
    // What hides below one of them comes to us with its end.
    const auto give_up = std::chrono::steady_clock::now() + patience_with_killed;
    while (std::chrono::steady_clock::now() < give_up) {
        std::vector<pid_t> orphans = children_.living_orphans();
        std::erase_if(orphans, [&](pid_t pid) { return spared_.contains(pid) || spares(pid); });
        if (orphans.empty()) return;
        for (const pid_t orphan : orphans) {
            (void)os::fell_below(orphan, 20ms);
            // Only we can reap it, so its number is its own.
            ::kill(orphan, SIGKILL);
        }
        std::this_thread::sleep_for(1ms);
    }
}

void Marks::census() {
    // What has come to us of those that ended has come before their ends were noticed.
    if (census_after_ == children_.sweeps()) return;
    std::unordered_map<pid_t, MarkedTree*> orphans;
    for (const pid_t pid : children_.living_orphans()) {
        const auto known = orphans_.find(pid);
        // Whoever was nobody's may be of a tree that has come to be since.
        const bool owned = known != orphans_.end() && known->second != nullptr;
        orphans.emplace(pid, owned ? known->second : owner_of(pid));
    }
    orphans_ = std::move(orphans);
    census_after_ = children_.sweeps();
}

MarkedTree* Marks::owner_of(pid_t orphan) const {
    // Only we can reap it, so its number cannot have become somebody else's.
    const auto process = os::read_process(orphan);
    if (!process) return nullptr;
    if (const auto note = by_note_.find(orphan); note != by_note_.end()) {
        const auto& noted = note->second->noted_;
        const auto seen = noted.find(orphan);
        if (seen != noted.end() && seen->second == process->start_time) return note->second;
    }
    for (const pid_t mark : {process->session, process->pgrp}) {
        if (const auto found = by_leader_.find(mark); found != by_leader_.end()) {
            return found->second;
        }
    }
    const auto id = os::environment_value(orphan, "REEVE_INVOCATION_ID");
    const auto found = id ? by_invocation_.find(*id) : by_invocation_.end();
    return found == by_invocation_.end() ? nullptr : found->second;
}

std::vector<pid_t> Marks::orphans_of(const MarkedTree* tree) {
    census();
    std::vector<pid_t> found;
    for (const auto& [pid, owner] : orphans_) {
        if (owner == tree) found.push_back(pid);
    }
    return found;
}

void Marks::search() {
    const auto now = std::chrono::steady_clock::now();
    if (now - searched_ < search_counts) return;
    searched_ = now;
    strangers_.clear();
    const pid_t self = ::getpid();
    os::for_each_name("/proc", [&](std::string_view name) {
        const auto pid = os::decimal(name);
        auto process = pid && *pid != self ? os::read_process(*pid) : std::nullopt;
        if (!process || !process->live()) return;
        const auto id = os::environment_value(*pid, "REEVE_INVOCATION_ID");
        const auto found = id ? by_invocation_.find(*id) : by_invocation_.end();
        if (found == by_invocation_.end() || !found->second->everywhere_) return;
        strangers_.emplace(found->second, std::move(*process));
    });
}

std::vector<os::ProcessEntry> Marks::living_strangers(const MarkedTree* tree) const {
    std::vector<os::ProcessEntry> living;
    const auto [begin, end] = strangers_.equal_range(tree);
    for (auto known = begin; known != end; ++known) {
        auto process = os::read_process(known->second.pid);
        if (!process || process->start_time != known->second.start_time) continue;
        if (process->live()) living.push_back(std::move(*process));
    }
    return living;
}

std::vector<os::ProcessEntry> Marks::strangers_of(const MarkedTree* tree) {
    search();
    std::vector<os::ProcessEntry> living = living_strangers(tree);
    if (!living.empty() || !strangers_.contains(tree)) return living;
    // Whoever came of those that have ended since.
    searched_ = {};
    search();
    return living_strangers(tree);
}

void Marks::look() {
    for (auto next = awaited_.begin(); next != awaited_.end();) (*next++)->look();
}

MarkedTree::MarkedTree(Containments& all, state::Tree record, std::string invocation_id,
                       std::string why)
    : Containment(std::move(record)),
      all_(all),
      marks_(*all.marks_),
      invocation_id_(std::move(invocation_id)),
      why_(std::move(why)),
      later_(marks_.io_) {
    if (!invocation_id_.empty()) marks_.by_invocation_[invocation_id_] = this;
}

MarkedTree::~MarkedTree() {
    all_.let_go_of_main(record_.number);
    marks_.awaited_.erase(this);
    marks_.by_invocation_.erase(invocation_id_);
    marks_.by_leader_.erase(leader_);
    marks_.strangers_.erase(this);
    for (const auto& [pid, start_time] : noted_) forget_note(pid);
    for (auto& [pid, owner] : marks_.orphans_) {
        if (owner != this) continue;
        marks_.spare(pid);
        owner = nullptr;
    }
    if (adopted_) marks_.children_.forget(adopted_->pid());
    marks_.children_.forget(leader_);
}

os::SpawnResult MarkedTree::start(os::SpawnSpec spec, OnEnd on_end) {
    spec.birth = all_.births_.expect(record_.number).main;
    auto result = marks_.spawner_.spawn(spec);
    if (const auto* spawned = std::get_if<os::Spawned>(&result)) {
        record_.first = record_.main = identify(spawned->pid);
        all_.hold_main(record_.number, spawned->pidfd.get());
        take_over(spawned->pid, std::move(on_end));
    }
    return result;
}

void MarkedTree::take_over(pid_t main, OnEnd on_end) {
    if (main == 0) return;
    leader_ = main;
    leader_ended_ = false;
    on_end_ = std::move(on_end);
    marks_.by_leader_[main] = this;
    marks_.children_.hold(main, [this](const os::Ended& end) {
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
        all_.hold_main(record_.number, pidfd.get());
        take_over(record_.main.pid, std::move(pidfd), std::move(on_end));
    } else {
        lost(std::move(on_end));
    }
    return true;
}

/// The main process has ended while nobody looked.
void MarkedTree::lost(OnEnd on_end) {
    const ExitStatus status = all_.end_of_lost_main(record_.number);
    lost_end_ = status == ExitStatus::unknown();
    asio::post(marks_.io_, [this, pid = record_.main.pid, on_end = std::move(on_end), status,
                            alive = std::weak_ptr(alive_)] {
        if (alive.expired() || record_.main.pid != pid) return;
        record_.main = {};
        on_end({pid, status, {}});
    });
}

void MarkedTree::search_everywhere() {
    everywhere_ = true;
    group_ = find_process(record_.first);
}

Result<> MarkedTree::adopt(pid_t pid, OnEnd on_end) {
    auto pidfd = hold(pid);
    if (!pidfd) return pidfd.error();
    if (pid == leader_) return error("cannot watch process " + std::to_string(pid) + " again");
    if (adopted_) marks_.children_.forget(adopted_->pid());
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
        marks_.children_.forget(end.pid);
        // It may be what calls us.
        asio::post(marks_.io_, [over = std::shared_ptr(std::move(adopted_))] {});
        main_ended(end);
    };
    // Whoever sees it first: if it is our child, it may be reaped with others.
    marks_.children_.expect(pid, told);
    adopted_ = std::make_unique<ForeignProcess>(marks_.io_, pid, std::move(pidfd), told);
}

void MarkedTree::main_ended(const os::Ended& end) {
    if (end.pid == record_.main.pid) record_.main = {};
    if (const auto on_end = std::exchange(on_end_, nullptr)) on_end(end);
}

std::vector<os::ProcessEntry> MarkedTree::members() {
    // Who was orphaned by one that is not our child came without a signal.
    marks_.census_after_.reset();
    std::vector<pid_t> tops = marks_.orphans_of(this);
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
    std::vector<os::ProcessEntry> found = marks_.strangers_of(this);
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
            return !marks_.children_.knows(pid) && marks_.owner_of(pid) == this;
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
        forget_note(note.first);
        return true;
    });
    for (const os::ProcessEntry& process : present) {
        noted_[process.pid] = process.start_time;
        marks_.by_note_[process.pid] = this;
    }
}

void MarkedTree::forget_note(pid_t pid) {
    const auto note = marks_.by_note_.find(pid);
    if (note != marks_.by_note_.end() && note->second == this) marks_.by_note_.erase(note);
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
    for (const pid_t orphan : marks_.orphans_of(this)) (void)os::fell_below(orphan, 20ms);
    Containment::signal_all(SIGKILL);
}

bool MarkedTree::empty() {
    return leader_ended_ && !adopted_ && marks_.orphans_of(this).empty() && strangers().empty();
}

void MarkedTree::await_empty(std::function<void()> emptied) {
    emptied_ = std::move(emptied);
    marks_.awaited_.insert(this);
    asio::post(marks_.io_, [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) look();
    });
}

void MarkedTree::look() {
    if (!emptied_) return;
    if (empty()) {
        marks_.awaited_.erase(this);
        return std::exchange(emptied_, nullptr)();
    }
    // What came to us since the last blow; what hides below it comes with its end.
    if (killing_) {
        for (const pid_t orphan : marks_.orphans_of(this)) ::kill(orphan, SIGKILL);
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
