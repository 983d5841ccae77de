#pragma once

#include <pthread.h>

#include <csignal>
#include <memory>
#include <thread>
#include <utility>

namespace reeve {

/// Starts a thread with all signals blocked: they are meant for others, and a SIGPIPE at an output
/// that went away stays pending there. Throws std::system_error as std::thread does. The name has
/// 15 bytes at most.
template <typename F>
std::thread quiet_thread(const char* name, F&& run) {
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const std::shared_ptr<void> restore(
        nullptr, [&](void*) { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); });
    std::thread thread(std::forward<F>(run));
    ::pthread_setname_np(thread.native_handle(), name);
    return thread;
}

}  // namespace reeve
