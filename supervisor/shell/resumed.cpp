#include "supervisor/shell/resumed.h"

#include "supervisor/os/pidfd.h"
#include "supervisor/os/process_entry.h"

namespace reeve::shell {

state::Process identify(pid_t pid) {
    const auto process = os::read_process(pid);
    return {pid, process ? process->start_time : 0};
}

Fd find_process(const state::Process& process) {
    if (process.pid <= 0 || process.start_time == 0) return {};
    auto pidfd = os::open_pidfd(process.pid);
    if (!pidfd) return {};
    // Now that it is held, it cannot become another between this look and the next.
    return identify(process.pid) == process ? std::move(*pidfd) : Fd();
}

}  // namespace reeve::shell
