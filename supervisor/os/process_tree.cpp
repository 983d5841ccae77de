#include "supervisor/os/process_tree.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "supervisor/os/directory.h"
#include "supervisor/os/proc_file.h"

namespace reeve::os {

namespace {

bool kernel_lists_children() {
    static const bool listed = access("/proc/thread-self/children", R_OK) == 0;
    return listed;
}

void take_pids(std::string_view text, std::vector<pid_t>& pids) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (const auto pid = decimal(text.substr(0, end))) pids.push_back(*pid);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

/// The kernel keeps them by the thread that made them.
void take_children(const std::string& thread, std::vector<pid_t>& children) {
    const std::string path = thread + "/children";
    if (const auto text = read_long_proc_file(path.c_str(), SIZE_MAX)) take_pids(*text, children);
}

std::vector<pid_t> children_by_scan(pid_t parent) {
    std::vector<pid_t> children;
    for_each_name("/proc", [&](std::string_view name) {
        const auto pid = decimal(name);
        const auto process = pid ? read_process(*pid) : std::nullopt;
        if (process && process->ppid == parent) children.push_back(*pid);
    });
    return children;
}

}  // namespace

std::vector<pid_t> children_of(pid_t pid) {
    if (!kernel_lists_children()) return children_by_scan(pid);
    std::vector<pid_t> children;
    const std::string tasks = "/proc/" + std::to_string(pid) + "/task/";
    for_each_name(tasks.c_str(), [&](std::string_view name) {
        if (decimal(name)) take_children(tasks + std::string(name), children);
    });
    return children;
}

std::vector<ProcessEntry> tree_of(pid_t top) {
    std::vector<ProcessEntry> tree;
    std::vector<pid_t> found = {top};
    std::unordered_set<pid_t> known = {top};
    for (std::size_t i = 0; i < found.size(); ++i) {
        const pid_t pid = found[i];
        auto process = read_process(pid);
        const bool one_thread = process && process->threads == 1 && kernel_lists_children();
        if (process && process->live()) tree.push_back(std::move(*process));
        std::vector<pid_t> children;
        if (one_thread) {
            // Most have no other, and need not be searched for them.
            const std::string number = std::to_string(pid);
            take_children("/proc/" + number + "/task/" + number, children);
        } else {
            children = children_of(pid);
        }
        for (const pid_t child : children) {
            // Who is looked at while its parents change may come up twice.
            if (known.insert(child).second) found.push_back(child);
        }
    }
    return tree;
}

bool descends_from(pid_t pid, pid_t top) {
    // More generations than any service has: a chain that changes while it is walked cannot keep
    // us.
    for (int generation = 0; generation < 256 && pid > 1; ++generation) {
        if (pid == top) return true;
        const auto process = read_process(pid);
        if (!process) return false;
        pid = process->ppid;
    }
    return false;
}

Felled fell_below(pid_t top, Duration at_most) {
    const auto end = std::chrono::steady_clock::now() + at_most;
    std::unordered_map<pid_t, ProcessEntry> stopped;
    Felled felled;
    while (!felled.stood_still && std::chrono::steady_clock::now() < end) {
        felled.stood_still = true;
        for (ProcessEntry& process : tree_of(top)) {
            if (process.pid == top) continue;
            const auto known = stopped.find(process.pid);
            if (known != stopped.end() && known->second.start_time == process.start_time) continue;
            felled.stood_still = false;
            (void)signal_process(process, SIGSTOP);
            stopped.insert_or_assign(process.pid, std::move(process));
        }
    }
    for (const auto& [pid, process] : stopped) (void)signal_process(process, SIGKILL);
    felled.count = stopped.size();
    return felled;
}

}  // namespace reeve::os
