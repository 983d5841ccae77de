#include "supervisor/os/process_tree.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>

#include "supervisor/os/directory.h"
#include "supervisor/os/proc_file.h"

namespace reeve::os {
std::optional<std::vector<pid_t>> own_children() {
    // /proc/self leads to the process that reads it, whatever numbers the mounted /proc has.
    std::array<char, 32> buffer;
    const ssize_t length = readlink("/proc/self", buffer.data(), buffer.size());
    if (length <= 0) return std::nullopt;
    const std::string self(buffer.data(), static_cast<std::size_t>(length));
    const std::string path = "/proc/self/task/" + self + "/children";
    const auto text = read_long_proc_file(path.c_str(), SIZE_MAX);
    if (!text) return std::nullopt;
    std::vector<pid_t> children;
    std::string_view rest = *text;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        if (const auto pid = decimal(rest.substr(0, end))) children.push_back(*pid);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return children;
}

/// Finds each process's run, once, on the way up to its ancestors.
class ProcessTable::Membership {
  public:
    Membership(const ProcessTable& table, std::span<const RunMarks> runs,
               std::span<const pid_t> excluded)
        : table_(table) {
        for (std::size_t i = 0; i < runs.size(); ++i) {
            const RunMarks& run = runs[i];
            if (!run.invocation_id.empty()) by_invocation_[run.invocation_id] = i;
            if (run.main_pid <= 0) continue;
            const ProcessEntry* main = table.find(run.main_pid);
            // A number that another process has by now is no session of the run's either.
            if (main && run.main_start_time != 0 && main->start_time != run.main_start_time) {
                continue;
            }
            by_leader_[run.main_pid] = i;
            if (main) known_[run.main_pid] = i;
        }
        for (const pid_t pid : excluded) known_[pid] = kExcluded;
    }

    /// The index of a run, or one of the two below.
    std::size_t run_of(const ProcessEntry& process) {
        std::vector<const ProcessEntry*> unknown;  // from the process upwards
        const ProcessEntry* at = &process;
        std::size_t run = kNone;
        while (at != nullptr && at->pid != table_.self_) {
            if (const auto found = known_.find(at->pid); found != known_.end()) {
                run = found->second;
                break;
            }
            known_[at->pid] = kNone;  // ends a circle of parents, which a scan may see
            unknown.push_back(at);
            at = table_.find(at->ppid);
        }
        const bool ours = at != nullptr && (at->pid == table_.self_ || ours_.contains(at->pid));
        for (auto it = unknown.rbegin(); it != unknown.rend(); ++it) {
            if (run == kNone && ours) run = marked(**it);
            known_[(*it)->pid] = run;
            if (ours) ours_.insert((*it)->pid);
        }
        return run;
    }

    static constexpr std::size_t kNone = SIZE_MAX;
    static constexpr std::size_t kExcluded = SIZE_MAX - 1;

  private:
    std::size_t marked(const ProcessEntry& process) const {
        if (!process.live()) return kNone;
        if (const auto id = environment_value(process.pid, "REEVE_INVOCATION_ID")) {
            const auto found = by_invocation_.find(*id);
            return found == by_invocation_.end() ? kNone : found->second;
        }
        for (const pid_t leader : {process.session, process.pgrp}) {
            const auto found = by_leader_.find(leader);
            if (found != by_leader_.end()) return found->second;
        }
        return kNone;
    }

    const ProcessTable& table_;
    std::unordered_map<std::string, std::size_t> by_invocation_;
    std::unordered_map<pid_t, std::size_t> by_leader_;
    std::unordered_map<pid_t, std::size_t> known_;
    std::unordered_set<pid_t> ours_;  // those below us, as far as looked at
};

ProcessTable ProcessTable::scan() {
    std::vector<ProcessEntry> processes;
    const Fd proc(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::array<char, 1024> buffer;
    for_each_name("/proc", [&](std::string_view name) {
        if (!decimal(name)) return;
        const std::string path = std::string(name) + "/stat";
        const auto text = read_proc_file(proc.get(), path.c_str(), buffer);
        if (auto entry = text ? parse_stat(*text) : std::nullopt) {
            processes.push_back(std::move(*entry));
        }
    });
    return ProcessTable(std::move(processes), getpid());
}

ProcessTable::ProcessTable(std::vector<ProcessEntry> processes, pid_t self)
    : processes_(std::move(processes)), self_(self) {
    std::sort(processes_.begin(), processes_.end(),
              [](const ProcessEntry& a, const ProcessEntry& b) { return a.pid < b.pid; });
    children_.reserve(processes_.size());
    for (std::size_t i = 0; i < processes_.size(); ++i) {
        children_.emplace(processes_[i].ppid, i);
    }
}

const ProcessEntry* ProcessTable::find(pid_t pid) const {
    const auto it = std::lower_bound(
        processes_.begin(), processes_.end(), pid,
        [](const ProcessEntry& entry, pid_t wanted) { return entry.pid < wanted; });
    return it != processes_.end() && it->pid == pid ? &*it : nullptr;
}

std::vector<ProcessEntry> ProcessTable::children_of(pid_t pid) const {
    std::vector<ProcessEntry> found;
    for (const std::size_t i : child_indices(pid)) found.push_back(processes_[i]);
    return found;
}

std::vector<ProcessEntry> ProcessTable::descendants_of(pid_t pid) const {
    std::vector<std::size_t> found = child_indices(pid);
    std::unordered_set<std::size_t> seen(found.begin(), found.end());
    for (std::size_t i = 0; i < found.size(); ++i) {
        for (const std::size_t child : child_indices(processes_[found[i]].pid)) {
            if (processes_[child].pid != pid && seen.insert(child).second) found.push_back(child);
        }
    }
    std::vector<ProcessEntry> entries;
    entries.reserve(found.size());
    for (const std::size_t i : found) entries.push_back(processes_[i]);
    return entries;
}

std::vector<std::size_t> ProcessTable::child_indices(pid_t pid) const {
    std::vector<std::size_t> indices;
    const auto [begin, end] = children_.equal_range(pid);
    for (auto it = begin; it != end; ++it) indices.push_back(it->second);
    std::sort(indices.begin(), indices.end());
    return indices;
}

bool ProcessTable::is_below(pid_t pid, pid_t ancestor) const {
    const ProcessEntry* at = find(pid);
    for (std::size_t steps = 0; at != nullptr && steps <= processes_.size(); ++steps) {
        if (at->ppid == ancestor) return true;
        at = find(at->ppid);
    }
    return false;
}

std::vector<Member> ProcessTable::members(std::span<const RunMarks> runs,
                                          std::span<const pid_t> excluded) const {
    Membership membership(*this, runs, excluded);
    std::vector<Member> found;
    for (const ProcessEntry& process : processes_) {
        if (process.pid == self_ || !process.live()) continue;
        const std::size_t run = membership.run_of(process);
        if (run < Membership::kExcluded) found.push_back({process, run});
    }
    return found;
}

}  // namespace reeve::os
