#include "supervisor/os/fault.h"

#include <execinfo.h>
#include <link.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>

namespace reeve::os {

namespace {

constexpr std::string_view variable = "REEVE_FAULTS=";
constexpr const char* place = "REEVE_FAULTS_RUNTIME_DIR";
constexpr std::size_t most_faults = 3;
constexpr std::array fatal = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/// All that the handler needs, ready: it may allocate nothing and lock nothing.
struct Rescue {
    const char* path = nullptr;
    char** argv = nullptr;
    std::vector<char*> environment;  // ends in both variables and null
    std::string runtime_dir;         // the other variable
    std::array<char, 128> faults{};  // the variable: times in nanoseconds, with commas between them
    std::array<std::int64_t, most_faults> times{};
    std::size_t count = 0;
    std::array<ResourceLimit, 8> limits{};
    std::size_t limit_count = 0;
    std::uintptr_t base = 0;  // where the program is
};
Rescue* rescue = nullptr;

/// Text in a buffer of fixed size; what does not fit is left out.
class Line {
  public:
    Line& add(std::string_view text) {
        const std::size_t size = std::min(text.size(), buffer_.size() - size_);
        std::memcpy(buffer_.data() + size_, text.data(), size);
        size_ += size;
        return *this;
    }
    Line& add_hex(std::uintptr_t number) {
        std::array<char, 18> digits{'0', 'x'};
        const auto end =
            std::to_chars(digits.data() + 2, digits.data() + digits.size(), number, 16);
        return add({digits.data(), static_cast<std::size_t>(end.ptr - digits.data())});
    }
    std::string_view text() const { return {buffer_.data(), size_}; }

  private:
    std::array<char, 1024> buffer_;
    std::size_t size_ = 0;
};

const char* name_of(int signal) {
    switch (signal) {
        case SIGSEGV:
            return "SIGSEGV";
        case SIGBUS:
            return "SIGBUS";
        case SIGILL:
            return "SIGILL";
        case SIGFPE:
            return "SIGFPE";
        default:
            return "SIGABRT";
    }
}

void tell(int signal, const siginfo_t* info) {
    Line line;
    line.add("reeved: fault: ").add(name_of(signal));
    if (info->si_code > 0 && signal != SIGABRT) {
        line.add(" at ").add_hex(reinterpret_cast<std::uintptr_t>(info->si_addr));
    }
    line.add("; executing itself anew; backtrace:");
    std::array<void*, 40> frames;
    const int count = backtrace(frames.data(), static_cast<int>(frames.size()));
    for (int i = 0; i < count; ++i) {
        const auto address = reinterpret_cast<std::uintptr_t>(frames[static_cast<std::size_t>(i)]);
        line.add(" ").add_hex(address >= rescue->base ? address - rescue->base : address);
    }
    line.add("\n");
    const std::string_view text = line.text();
    // Who does not read it must not keep us from going on. A pipe that is writable takes PIPE_BUF.
    pollfd stderr_now{STDERR_FILENO, POLLOUT, 0};
    if (poll(&stderr_now, 1, 0) != 1 || (stderr_now.revents & POLLOUT) == 0) return;
    (void)!write(STDERR_FILENO, text.data(), text.size());
}

/// False: they come so fast that not even an orderly end can be had.
bool note_fault() {
    timespec clock{};
    clock_gettime(CLOCK_MONOTONIC, &clock);
    const std::int64_t now = clock.tv_sec * 1'000'000'000LL + clock.tv_nsec;
    if (rescue->count == most_faults && now - rescue->times[0] < 60'000'000'000LL) return false;
    if (rescue->count == most_faults) {
        std::copy(rescue->times.begin() + 1, rescue->times.end(), rescue->times.begin());
        --rescue->count;
    }
    rescue->times[rescue->count++] = now;
    char* at = rescue->faults.data() + variable.size();
    char* const end = rescue->faults.data() + rescue->faults.size() - 1;
    for (std::size_t i = 0; i < rescue->count; ++i) {
        if (i > 0) *at++ = ',';
        at = std::to_chars(at, end, rescue->times[i]).ptr;
    }
    *at = '\0';
    return true;
}

void execute_anew(int signal, siginfo_t* info, void*) {
    tell(signal, info);
    if (!note_fault()) _exit(128 + signal);
    for (std::size_t i = 0; i < rescue->limit_count; ++i) {
        const ResourceLimit& limit = rescue->limits[i];
        setrlimit(static_cast<__rlimit_resource>(limit.resource), &limit.value);
    }
    execve(rescue->path, rescue->argv, rescue->environment.data());
    // Somebody has removed it.
    execve("/proc/self/exe", rescue->argv, rescue->environment.data());
    _exit(128 + signal);
}

/// Where the program itself was loaded: the first that is told of.
int take_base(dl_phdr_info* info, std::size_t, void* base) {
    *static_cast<std::uintptr_t*>(base) = info->dlpi_addr;
    return 1;
}

}  // namespace

Faults take_faults() {
    Faults faults;
    if (const char* const dir = std::getenv(place)) faults.runtime_dir = dir;
    unsetenv(place);
    const char* const text = std::getenv("REEVE_FAULTS");
    if (text == nullptr) return faults;
    std::string_view left = text;
    while (!left.empty() && faults.times.size() < most_faults) {
        std::int64_t nanoseconds = 0;
        const auto end = std::from_chars(left.data(), left.data() + left.size(), nanoseconds);
        if (end.ec != std::errc()) break;
        faults.times.emplace_back(Duration(nanoseconds));
        left.remove_prefix(static_cast<std::size_t>(end.ptr - left.data()));
        if (!left.empty()) left.remove_prefix(1);
    }
    unsetenv("REEVE_FAULTS");
    return faults;
}

void survive_faults(const Program& program, const std::vector<ResourceLimit>& limits,
                    const Faults& faults) {
    static Rescue room;
    room.path = program.path().c_str();
    room.argv = program.argv();
    variable.copy(room.faults.data(), variable.size());
    for (char** entry = environ; *entry != nullptr; ++entry) room.environment.push_back(*entry);
    room.environment.push_back(room.faults.data());
    room.runtime_dir.append(place).append("=").append(faults.runtime_dir);
    room.environment.push_back(room.runtime_dir.data());
    room.environment.push_back(nullptr);
    for (const Time fault : faults.times) {
        if (room.count < most_faults) room.times[room.count++] = fault.time_since_epoch().count();
    }
    for (const ResourceLimit& limit : limits) {
        if (room.limit_count < room.limits.size()) room.limits[room.limit_count++] = limit;
    }
    dl_iterate_phdr(take_base, &room.base);
    rescue = &room;
    // Loads what it needs, which it could not do in a handler.
    std::array<void*, 1> frame;
    backtrace(frame.data(), 1);

    // A stack that has overflown takes no handler.
    static std::array<char, 64 << 10> stack_room;
    stack_t stack{};
    stack.ss_sp = stack_room.data();
    stack.ss_size = stack_room.size();
    sigaltstack(&stack, nullptr);
    struct sigaction action {};
    action.sa_sigaction = execute_anew;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    for (const int signal : fatal) sigaction(signal, &action, nullptr);
}

}  // namespace reeve::os
