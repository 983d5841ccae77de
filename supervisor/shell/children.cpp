#include "supervisor/shell/children.h"

#include <signal.h>
#include <unistd.h>

#include "supervisor/os/process_tree.h"

namespace reeve::shell {

Result<> Children::add(pid_t pid, Fd pidfd, OnEnd on_end) {
    asio::posix::stream_descriptor watched(io_);
    boost::system::error_code error;
    watched.assign(pidfd.get(), error);
    if (error) {
        (void)os::send_signal(pidfd.get(), SIGKILL);
        return system_error("cannot watch process " + std::to_string(pid), error.value());
    }
    (void)pidfd.release();
    children_.emplace(pid, Child{std::move(watched), std::move(on_end)});
    await_end(pid);
    return {};
}

void Children::await_end(pid_t pid) {
    children_.at(pid).pidfd.async_wait(asio::posix::stream_descriptor::wait_read,
                                       [this, pid](const boost::system::error_code& error) {
                                           if (!error) look_at(pid);
                                       });
}

void Children::look_at(pid_t pid) {
    const auto found = children_.find(pid);
    if (found == children_.end() || !found->second.on_end) return;
    const auto ended = os::peek_exit(found->second.pidfd.native_handle());
    if (!ended) return await_end(pid);
    const OnEnd on_end = std::exchange(found->second.on_end, nullptr);
    on_end(*ended);
}

void Children::signal(pid_t pid, int signal) {
    const auto found = children_.find(pid);
    if (found != children_.end())
        (void)os::send_signal(found->second.pidfd.native_handle(), signal);
}

void Children::signal_group(pid_t pid, int signal) const {
    if (knows(pid)) ::kill(-pid, signal);
}

void Children::release(pid_t pid) {
    const auto found = children_.find(pid);
    if (found == children_.end()) return;
    (void)os::reap(found->second.pidfd.native_handle());
    children_.erase(found);
}

void Children::sweep() {
    while (const auto zombie = os::peek_any()) {
        if (!knows(zombie->pid)) {
            reap_orphan(zombie->pid);
            continue;
        }
        look_at(zombie->pid);
        // One of our own that is not released yet hides whoever comes behind it.
        (void)living_orphans();
        return;
    }
}

std::vector<pid_t> Children::living_orphans() {
    std::vector<pid_t> pids = os::children_of(::getpid());
    std::erase_if(pids, [this](pid_t pid) { return knows(pid) || reap_orphan(pid); });
    return pids;
}

bool Children::reap_orphan(pid_t pid) {
    if (!os::reap_pid(pid)) return false;
    if (reaped_) reaped_(pid);
    return true;
}

}  // namespace reeve::shell
