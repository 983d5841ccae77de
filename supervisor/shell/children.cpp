#include "supervisor/shell/children.h"

#include <signal.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "supervisor/os/process_tree.h"

namespace reeve::shell {

void Children::expect(pid_t pid, OnEnd on_end) { expect(pid, std::move(on_end), nullptr); }

void Children::expect(pid_t pid, OnEnd on_end, std::function<void()> ending) {
    children_[pid] = {std::move(on_end), false, std::move(ending), false};
}

void Children::hold(pid_t pid, OnEnd on_end) {
    children_[pid] = {std::move(on_end), true, nullptr, false};
    ++held_;
}

void Children::forget(pid_t pid) {
    const auto found = children_.find(pid);
    if (found == children_.end()) return;
    const bool was_held = found->second.held;
    children_.erase(found);
    if (!was_held) return;
    --held_;
    if (const auto end = os::reap_pid(pid)) reaped(*end);
}

bool Children::sweep(std::size_t most) {
    ++sweeps_;
    wake_stopped();
    // Whoever is told an end may hold another child, from then on.
    for (; held_ == 0; --most) {
        if (most == 0) return false;
        const auto end = os::peek_any();
        if (!end || !reap(*end)) return true;
    }
    if (!os::peek_any()) return true;
    // One that is held hides whoever comes behind it.
    for (const pid_t pid : os::children_of(::getpid())) {
        const auto found = children_.find(pid);
        if (found != children_.end() && found->second.held) {
            look_at_held(pid);
        } else {
            reap(pid);
        }
    }
    return true;
}

void Children::wake_stopped() const {
    while (const auto pid = os::take_stopped()) {
        const auto found = children_.find(*pid);
        if (found != children_.end() && found->second.awake) ::kill(*pid, SIGCONT);
    }
}

bool Children::reap(pid_t pid) {
    const auto seen = os::peek_exit_of(pid);
    return seen && reap(*seen);
}

bool Children::reap(const os::Ended& seen) {
    const auto found = children_.find(seen.pid);
    if (found != children_.end()) {
        if (ending_) ending_(seen);
        if (found->second.ending) found->second.ending();
    }
    fault_point("a child that has ended");
    const auto end = os::reap_pid(seen.pid);
    fault_point("a child that is reaped");
    if (end) reaped(*end);
    return end.has_value();
}

void Children::look_at_held(pid_t pid) {
    Child& child = children_.at(pid);
    if (!child.on_end) return;
    const auto end = os::peek_exit_of(pid);
    if (!end) return;
    const OnEnd on_end = std::exchange(child.on_end, nullptr);
    on_end(*end);
}

void Children::reaped(const os::Ended& end) {
    const auto found = children_.find(end.pid);
    if (found == children_.end()) {
        if (reaped_) reaped_(end.pid);
        return;
    }
    const OnEnd on_end = std::move(found->second.on_end);
    if (found->second.held) --held_;
    children_.erase(found);
    if (on_end) on_end(end);
}

std::vector<pid_t> Children::living_orphans() {
    std::vector<pid_t> pids = os::children_of(::getpid());
    std::erase_if(pids, [this](pid_t pid) {
        if (knows(pid)) return true;
        return reap(pid);
    });
    return pids;
}

}  // namespace reeve::shell
