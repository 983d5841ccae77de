#include "supervisor/os/process_tree.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>

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
            if (std::find(found.begin(), found.end(), child) == found.end()) found.push_back(child);
        }
    }
    return tree;
}

}  // namespace reeve::os
