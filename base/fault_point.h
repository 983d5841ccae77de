#pragma once

#ifdef REEVE_FAULT_POINTS
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>
#endif

namespace reeve {

/// A place where a death of the process must cost nothing. In a build for tests of that
/// (-DREEVE_FAULT_POINTS=ON) the process kills itself at the N-th one that it passes, on whatever
/// thread, where N is REEVE_FAULT_AT in its environment; everywhere else it is nothing.
#ifdef REEVE_FAULT_POINTS
inline void fault_point(const char* name) {
    static const long at = [] {
        const char* const text = std::getenv("REEVE_FAULT_AT");
        return text == nullptr ? 0 : std::atol(text);
    }();
    static std::atomic<long> passed{0};
    if (at == 0 || ++passed != at) return;
    const std::string line = std::string("killed at ") + name + "\n";
    (void)!::write(STDERR_FILENO, line.data(), line.size());
    ::kill(::getpid(), SIGKILL);
}
#else
inline void fault_point(const char* /*name*/) {}
#endif

}  // namespace reeve
