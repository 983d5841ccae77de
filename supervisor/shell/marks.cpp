#include "supervisor/shell/marks.h"

#include <signal.h>
#include <unistd.h>

#include <thread>

#include "supervisor/os/directory.h"
#include "supervisor/os/process_tree.h"
#include "supervisor/shell/marked_tree.h"

namespace reeve::shell {

namespace {

/// One that the kernel keeps from ending must not keep us.
constexpr Duration patience_with_killed = 1s;

/// So long a look at all processes counts, for all trees that need it.
constexpr Duration search_counts = 20ms;

}  // namespace

Marks::Marks(Children& children) : children_(children) {
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

void Marks::forget_note(pid_t process, const MarkedTree& tree) {
    const auto note = by_note_.find(process);
    if (note != by_note_.end() && note->second == &tree) by_note_.erase(note);
}

void Marks::forget(const MarkedTree& tree, const std::string& id, pid_t leader) {
    by_invocation_.erase(id);
    by_leader_.erase(leader);
    strangers_.erase(&tree);
    for (auto& [pid, owner] : orphans_) {
        if (owner != &tree) continue;
        spare(pid);
        owner = nullptr;
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
        if (note->second->is_noted(*process)) return note->second;
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

std::vector<pid_t> Marks::orphans_of(const MarkedTree& tree) {
    census();
    std::vector<pid_t> found;
    for (const auto& [pid, owner] : orphans_) {
        if (owner == &tree) found.push_back(pid);
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
        if (found == by_invocation_.end() || !found->second->is_everywhere()) return;
        strangers_.emplace(found->second, std::move(*process));
    });
}

std::vector<os::ProcessEntry> Marks::living_strangers(const MarkedTree& tree) const {
    std::vector<os::ProcessEntry> living;
    const auto [begin, end] = strangers_.equal_range(&tree);
    for (auto known = begin; known != end; ++known) {
        auto process = os::read_process(known->second.pid);
        if (!process || process->start_time != known->second.start_time) continue;
        if (process->live()) living.push_back(std::move(*process));
    }
    return living;
}

std::vector<os::ProcessEntry> Marks::strangers_of(const MarkedTree& tree) {
    search();
    std::vector<os::ProcessEntry> living = living_strangers(tree);
    if (!living.empty() || !strangers_.contains(&tree)) return living;
    // Whoever came of those that have ended since.
    searched_ = {};
    search();
    return living_strangers(tree);
}

void Marks::look() {
    for (auto next = awaited_.begin(); next != awaited_.end();) (*next++)->look();
}

}  // namespace reeve::shell
