#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "supervisor/log/framer.h"
#include "supervisor/log/pipes.h"

namespace reeve::log {

/// Looks for lines that match a pattern among what services write. Watches are set by the thread
/// that spawns; the log thread shows what it reads.
///
/// What waits in a pipe when a watch is set was written by an earlier start and does not count. So
/// that this is exact, the log thread holds a lock from before it takes bytes from a pipe until it
/// has shown them, and a watch is set under the same lock: then all that was written before and not
/// shown yet is in the pipe, can be counted, and is passed over.
class Watches {
  public:
    Watches();
    ~Watches();
    Watches(const Watches&) = delete;
    Watches& operator=(const Watches&) = delete;

    /// Calls `matched` once, on the log thread, at the first whole line that matches this RE2
    /// pattern somewhere. It takes the place of the watch that the service has, if any. `ends`:
    /// those that the child is about to get. Fails when the pattern is none.
    Result<> set(const std::string& service, const FdPair& ends, const std::string& pattern,
                 std::function<void()> matched);
    /// Afterwards `matched` is not called and not under way.
    void remove(const std::string& service);

    /// What the log thread holds while it reads a pipe and shows what it has read.
    std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
    /// Under the lock: what came out of the pipe.
    void show(const std::string& service, Source source, std::string_view bytes);

  private:
    struct Watch;

    std::mutex mutex_;
    std::unordered_map<std::string, std::unique_ptr<Watch>> watches_;
};

}  // namespace reeve::log
