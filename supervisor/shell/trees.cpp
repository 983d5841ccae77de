#include "supervisor/shell/trees.h"

#include <unistd.h>

namespace reeve::shell {

Trees::Trees(Children& children) : children_(children) {
    children_.on_reaped([this](pid_t pid) { orphans_.erase(pid); });
}

void Trees::add(core::RunId run, pid_t main, std::string invocation_id) {
    by_main_[main] = run;
    by_invocation_[invocation_id] = run;
    trees_[run] = Tree{main, std::move(invocation_id)};
}

void Trees::remove(core::RunId run) {
    const auto found = trees_.find(run);
    if (found == trees_.end()) return;
    by_main_.erase(found->second.main);
    by_invocation_.erase(found->second.invocation_id);
    for (const auto& [pid, start_time] : found->second.noted) forget_note(pid, run);
    trees_.erase(found);
}

void Trees::forget_note(pid_t pid, core::RunId run) {
    const auto note = by_note_.find(pid);
    if (note != by_note_.end() && note->second == run) by_note_.erase(note);
}

void Trees::note_members(core::RunId run) {
    const auto found = trees_.find(run);
    if (found == trees_.end()) return;
    auto& noted = found->second.noted;
    // A service may be signalled often in a long life.
    std::erase_if(noted, [&](const auto& note) {
        const auto process = os::read_process(note.first);
        if (process && process->start_time == note.second) return false;
        forget_note(note.first, run);
        return true;
    });
    for (const os::ProcessEntry& process : members(run)) {
        noted[process.pid] = process.start_time;
        by_note_[process.pid] = run;
    }
}

void Trees::census() {
    std::unordered_map<pid_t, core::RunId> orphans;
    for (const pid_t pid : children_.living_orphans()) {
        const auto known = orphans_.find(pid);
        orphans.emplace(pid, known != orphans_.end() ? known->second : owner_of(pid));
    }
    orphans_ = std::move(orphans);
}

bool Trees::has_orphans(core::RunId run) const {
    for (const auto& [pid, owner] : orphans_) {
        if (owner == run) return true;
    }
    return false;
}

core::RunId Trees::owner_of(pid_t orphan) const {
    // Only we can reap it, so its number cannot have become somebody else's.
    const auto process = os::read_process(orphan);
    if (!process) return {};
    if (const auto note = by_note_.find(orphan); note != by_note_.end()) {
        const auto tree = trees_.find(note->second);
        if (tree->second.noted.at(orphan) == process->start_time) return note->second;
    }
    if (const auto id = os::environment_value(orphan, "REEVE_INVOCATION_ID")) {
        const auto found = by_invocation_.find(*id);
        return found == by_invocation_.end() ? core::RunId{} : found->second;
    }
    for (const pid_t mark : {process->session, process->pgrp}) {
        if (const auto found = by_main_.find(mark); found != by_main_.end()) return found->second;
    }
    return {};
}

std::vector<os::ProcessEntry> Trees::members(core::RunId run) const {
    std::vector<os::ProcessEntry> found;
    const auto tree = trees_.find(run);
    if (tree == trees_.end()) return found;
    found = os::tree_of(tree->second.main);
    for (const auto& [pid, owner] : orphans_) {
        if (owner != run) continue;
        for (os::ProcessEntry& process : os::tree_of(pid)) found.push_back(std::move(process));
    }
    return found;
}

bool Trees::is_member(core::RunId run, pid_t pid) const {
    const auto tree = trees_.find(run);
    if (tree == trees_.end()) return false;
    const pid_t self = ::getpid();
    // Sixty-four generations are more than any service has; a chain that changes while it is walked
    // cannot keep us here.
    for (int generation = 0; generation < 64 && pid > 1; ++generation) {
        if (pid == tree->second.main) return true;
        const auto process = os::read_process(pid);
        if (!process) return false;
        if (process->ppid == self) return !children_.knows(pid) && owner_of(pid) == run;
        pid = process->ppid;
    }
    return false;
}

}  // namespace reeve::shell
