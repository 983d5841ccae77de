#include "supervisor/shell/strays.h"

#include <unistd.h>

#include "supervisor/os/cgroup.h"
#include "supervisor/os/directory.h"

namespace reeve::shell {

Strays::Strays(std::string ours, std::string own, std::string invocation_id)
    : ours_(std::move(ours)), own_(std::move(own)), invocation_id_(std::move(invocation_id)) {}

void Strays::look_at(pid_t main) {
    if (main == 0 || (!left_ && !os::is_out_of_cgroup(main, own_))) return;
    left_ = true;
    (void)find(main);
}

/// The sessions and groups that are the service's, as far as somebody who is known holds their
/// numbers.
std::set<pid_t> Strays::marks(pid_t main) const {
    std::set<pid_t> marks;
    const auto add = [&](const os::ProcessEntry& process) {
        for (const pid_t mark : {process.session, process.pgrp}) {
            if (led_.contains(mark)) marks.insert(mark);
        }
    };
    if (main != 0) {
        if (const auto process = os::read_process(main)) add(*process);
    }
    for (const auto& [pid, start_time] : known_) {
        const auto process = os::read_process(pid);
        if (process && process->start_time == start_time) add(*process);
    }
    return marks;
}

std::vector<os::ProcessEntry> Strays::find(pid_t main) {
    std::vector<os::ProcessEntry> found;
    if (!left_) return found;
    const std::set<pid_t> ours = marks(main);
    const pid_t self = ::getpid();
    os::for_each_name("/proc", [&](std::string_view name) {
        const auto pid = os::decimal(name);
        auto process = pid && *pid != self ? os::read_process(*pid) : std::nullopt;
        if (!process || !process->live()) return;
        const bool marked = ours.contains(process->session) || ours.contains(process->pgrp) ||
                            (!invocation_id_.empty() &&
                             os::environment_value(*pid, "REEVE_INVOCATION_ID") == invocation_id_);
        if (marked && os::is_out_of_cgroup(*pid, ours_)) found.push_back(std::move(*process));
    });
    known_.clear();
    for (const os::ProcessEntry& process : found) known_[process.pid] = process.start_time;
    return found;
}

}  // namespace reeve::shell
