// What a spawn costs beside posix_spawn(3): median and mean of many runs of /bin/true, each from
// the call to the child's end, in a small process, in one with much memory, and in one with many
// descriptors open.

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "supervisor/os/spawn.h"

namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

struct Cost {
    double median = 0;
    double mean = 0;
};

/// `once` starts a child and returns its pid.
template <typename F>
Cost measure(int runs, F once) {
    std::vector<double> times;
    for (int i = 0; i < runs; ++i) {
        const auto start = Clock::now();
        const pid_t pid = once();
        if (pid <= 0 || waitpid(pid, nullptr, 0) != pid) {
            std::fprintf(stderr, "cannot spawn\n");
            std::exit(1);
        }
        times.push_back(Microseconds(Clock::now() - start).count());
    }
    Cost cost;
    for (const double t : times) cost.mean += t / runs;
    std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
    cost.median = times[static_cast<std::size_t>(runs) / 2];
    return cost;
}

pid_t by_posix_spawn() {
    // As much of what a supervisor needs as posix_spawn can do.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(
        &attributes,
        static_cast<short>(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID));
    char path[] = "/bin/true";
    char* const argv[] = {path, nullptr};
    pid_t pid = -1;
    posix_spawn(&pid, path, nullptr, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    return pid;
}

void compare(const char* where, int runs, reeve::os::Spawner& spawner) {
    reeve::os::SpawnSpec spec;
    spec.argv = {"/bin/true"};
    for (char** entry = environ; *entry != nullptr; ++entry) spec.env.emplace_back(*entry);
    const auto by_spawn = [&] {
        auto result = spawner.spawn(spec);
        const auto* child = std::get_if<reeve::os::Spawned>(&result);
        return child != nullptr ? child->pid : -1;
    };
    measure(runs / 10, by_posix_spawn);
    measure(runs / 10, by_spawn);
    const Cost posix = measure(runs, by_posix_spawn);
    const Cost ours = measure(runs, by_spawn);
    std::printf("%-24s posix_spawn %6.0f us (mean %6.0f)   spawn %6.0f us (mean %6.0f)   %.2f\n",
                where, posix.median, posix.mean, ours.median, ours.mean,
                ours.median / posix.median);
}

}  // namespace

int main(int argc, char** argv) {
    const int runs = argc > 1 ? std::max(10, std::atoi(argv[1])) : 2000;
    auto spawner = reeve::os::Spawner::create();
    if (!spawner) {
        std::fprintf(stderr, "%s\n", spawner.error().text().c_str());
        return 1;
    }
    compare("small", runs, *spawner);

    constexpr std::size_t kMuch = 512u << 20;
    void* const memory = mmap(nullptr, kMuch, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) return 1;
    compare("512 MiB of memory", runs, *spawner);
    munmap(memory, kMuch);

    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    const auto many = std::min<rlim_t>(30'000, limit.rlim_max - 100);
    std::vector<reeve::Fd> open_files;
    for (rlim_t i = 0; i < many; ++i) open_files.emplace_back(fcntl(0, F_DUPFD_CLOEXEC, 3));
    compare((std::to_string(many) + " descriptors").c_str(), runs, *spawner);
}
