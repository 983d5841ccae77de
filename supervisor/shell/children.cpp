#include "supervisor/shell/children.h"

#include <unistd.h>

#include "supervisor/os/process_tree.h"

namespace reeve::shell {

void Children::expect(pid_t pid, OnEnd on_end) { children_[pid] = {std::move(on_end), false}; }

void Children::hold(pid_t pid, OnEnd on_end) {
    children_[pid] = {std::move(on_end), true};
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

void Children::sweep() {
    ++sweeps_;
    if (held_ == 0) {
        while (const auto end = os::reap_any()) reaped(*end);
        return;
    }
    if (!os::peek_any()) return;
    // One that is held hides whoever comes behind it.
    for (const pid_t pid : os::children_of(::getpid())) {
        const auto found = children_.find(pid);
        if (found != children_.end() && found->second.held) {
            look_at_held(pid);
        } else if (const auto end = os::reap_pid(pid)) {
            reaped(*end);
        }
    }
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
    children_.erase(found);
    on_end(end);
}

std::vector<pid_t> Children::living_orphans() {
    std::vector<pid_t> pids = os::children_of(::getpid());
    std::erase_if(pids, [this](pid_t pid) {
        if (knows(pid)) return true;
        const auto end = os::reap_pid(pid);
        if (end) reaped(*end);
        return end.has_value();
    });
    return pids;
}

}  // namespace reeve::shell
