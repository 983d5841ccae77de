#pragma once

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <functional>
#include <new>
#include <random>
#include <string>
#include <string_view>
#include <vector>

/// Numbered lines and processes that are killed, to see that no line is lost or doubled.
namespace reeve::log {

/// The n-th line that a feeder with that seed writes: its number, and filling that can be checked.
inline std::string numbered_line(std::uint64_t n, unsigned seed) {
    const std::uint64_t mixed = (n + 1) * 0x9E3779B97F4A7C15u + seed;
    std::size_t length = (mixed >> 40) % 60;
    if ((mixed >> 32) % 50 == 0) length = (mixed >> 20) % 9000;
    return std::to_string(n) + " " + std::string(length, static_cast<char>('a' + n % 26));
}

/// The first line that is not the one expected there; lines.size() when all are.
inline std::size_t first_wrong(const std::vector<std::string>& lines, unsigned seed) {
    std::size_t n = 0;
    while (n < lines.size() && lines[n] == numbered_line(n, seed)) ++n;
    return n;
}

/// Memory that this process shares with those that it forks.
struct Shared {
    std::atomic<bool> stop{false};
    std::atomic<unsigned> done{0};  // feeders
    std::atomic<std::uint64_t> written[4] = {};

    static Shared& make() {
        void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return *new (memory) Shared;
    }
    static void free(Shared& shared) { ::munmap(&shared, sizeof(Shared)); }
};

inline pid_t fork_and(const std::function<void()>& run) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    run();
    ::_exit(0);
}

/// Writes numbered lines until told to stop: whole lines, single bytes, and anything between.
inline void feed(int fd, unsigned seed, std::atomic<bool>& stop,
                 std::atomic<std::uint64_t>& count) {
    std::minstd_rand random(seed + 1);
    std::string waiting;
    std::uint64_t n = 0;
    while (true) {
        const bool last = stop.load();
        for (int i = 0; i < 20 && !last; ++i) waiting += numbered_line(n++, seed) + "\n";
        std::string_view rest = waiting;
        while (!rest.empty()) {
            const unsigned how = random() % 4;
            std::size_t size = how == 0 ? 1 : how == 1 ? random() % 30 + 1 : random() % 600 + 1;
            size = std::min(size, rest.size());
            const ssize_t w = ::write(fd, rest.data(), size);
            if (w < 0 && errno != EINTR) ::_exit(3);
            if (w > 0) rest.remove_prefix(static_cast<std::size_t>(w));
        }
        waiting.clear();
        count.store(n);
        if (last) return;
    }
}

/// Runs `body` in a process of its own and kills it after at most `longest`, over and over; the
/// time is what is put to the test, nothing waits for it. Then once more to its end; its exit
/// status.
inline int kill_often(int times, std::chrono::microseconds longest,
                      const std::function<void()>& body, const std::function<void()>& before_last) {
    std::minstd_rand random(static_cast<unsigned>(::getpid()));
    for (int i = 0; i < times; ++i) {
        const pid_t pid = fork_and(body);
        const auto us = static_cast<long>(random() % static_cast<unsigned long>(longest.count()));
        const timespec alive{0, us * 1000};
        ::nanosleep(&alive, nullptr);
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    before_last();
    int status = 0;
    ::waitpid(fork_and(body), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace reeve::log
