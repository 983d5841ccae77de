// How long N lines take from a writer into a log file: through the Collector, and through the plain
// loop that is its physical limit (read 64 KiB, put a time stamp before each line, write).
//   log_bench [LINES [LENGTH [WRITE_SIZE [ROUNDS]]]]
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/log/collector.h"
#include "supervisor/log/framer.h"
#include "supervisor/log/stamp.h"

namespace reeve::log {
namespace {

struct Load {
    std::size_t lines = 2'000'000, length = 100, write_size = 65536;
};

struct Taken {
    double wall = 0, cpu = 0;
};

bool put(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

/// A process that writes the load into `fd`.
pid_t produce(int fd, const Load& load) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    const std::string line = std::string(load.length - 1, 'x') + "\n";
    std::string block;
    while (block.size() < load.write_size) block += line;
    const std::size_t total = load.lines * load.length;
    for (std::size_t at = 0; at < total;) {
        const std::size_t offset = at % load.length;
        const std::size_t n = std::min({load.write_size, total - at, block.size() - offset});
        if (!put(fd, std::string_view(block).substr(offset, n))) ::_exit(1);
        at += n;
    }
    ::_exit(0);
}

double cpu_now() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto s = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return s(usage.ru_utime) + s(usage.ru_stime);
}

Taken measure(const std::function<void()>& run) {
    const double cpu = cpu_now();
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    return {wall.count(), cpu_now() - cpu};
}

Taken plain_loop(const std::string& directory, const Load& load) {
    const Fd file(
        ::open((directory + "/plain").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    int ends[2];
    if (!file || ::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    const Fd reading(ends[0]);
    Fd writing(ends[1]);
    std::vector<char> in(65536), out(1u << 20);
    StampWriter stamps;
    return measure([&] {
        const pid_t pid = produce(writing.get(), load);
        writing.reset();
        std::size_t kept = 0;
        for (ssize_t n = 0; (n = ::read(reading.get(), in.data() + kept, in.size() - kept)) > 0;) {
            const std::string_view input(in.data(), kept + static_cast<std::size_t>(n));
            const auto now =
                std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
            const Framed framed =
                frame(input, {16384, Tail::Keep}, Source::Out, stamps.text(now), false, out);
            if (!put(file.get(), {out.data(), framed.written})) std::abort();
            kept = input.size() - framed.consumed;
            std::memmove(in.data(), in.data() + framed.consumed, kept);
        }
        ::waitpid(pid, nullptr, 0);
    });
}

Taken through_collector(const std::string& directory, const std::string& runtime,
                        const Load& load) {
    const std::string logs = directory + "/logs";
    auto collector = Collector::start({runtime, logs, 1, [](const std::string& problem) {
                                           std::fprintf(stderr, "%s\n", problem.c_str());
                                       }});
    if (!collector) std::abort();
    auto ends = (*collector)->open("bench", {.max_size = 1ull << 40}, ::geteuid(), ::getegid());
    if (!ends) std::abort();
    const Taken taken = measure([&] {
        const pid_t pid = produce(ends->out.get(), load);
        ::waitpid(pid, nullptr, 0);
        std::promise<void> done;
        (*collector)->drain("bench", [&] { done.set_value(); });
        done.get_future().wait();
    });
    const auto size = std::filesystem::file_size(logs + "/bench/current");
    if (size != load.lines * (load.length - 1 + kRecordOverhead)) {
        std::fprintf(stderr, "log_bench: the file has %zu bytes\n", static_cast<std::size_t>(size));
    }
    collector->reset();
    std::filesystem::remove_all(logs);
    return taken;
}

std::string make_directory(const char* where) {
    std::string path = std::string(where) + "/log-bench-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    return path;
}

int run(const Load& load, int rounds) {
    const std::string directory = make_directory("/tmp");
    const std::string runtime =
        make_directory(std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp");
    std::printf("%zu lines of %zu bytes in writes of %zu\n", load.lines, load.length,
                load.write_size);
    std::printf("%10s %10s %12s %12s %7s %7s\n", "plain s", "cpu s", "collector s", "cpu s",
                "ratio", "cpu");
    Taken best_plain{1e9, 1e9}, best{1e9, 1e9};
    const auto row = [](const Taken& a, const Taken& b) {
        std::printf("%10.3f %10.3f %12.3f %12.3f %7.2f %7.2f\n", a.wall, a.cpu, b.wall, b.cpu,
                    b.wall / a.wall, b.cpu / a.cpu);
    };
    for (int i = 0; i < rounds; ++i) {
        const Taken plain = plain_loop(directory, load);
        const Taken ours = through_collector(directory, runtime, load);
        row(plain, ours);
        best_plain = {std::min(best_plain.wall, plain.wall), std::min(best_plain.cpu, plain.cpu)};
        best = {std::min(best.wall, ours.wall), std::min(best.cpu, ours.cpu)};
    }
    std::printf("the best of each:\n");
    row(best_plain, best);
    std::filesystem::remove_all(directory);
    std::filesystem::remove_all(runtime);
    return 0;
}

}  // namespace
}  // namespace reeve::log

int main(int argc, char** argv) {
    reeve::log::Load load;
    const auto argument = [&](int i, std::size_t fallback) {
        return argc > i ? static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10)) : fallback;
    };
    load.lines = argument(1, load.lines);
    load.length = std::max<std::size_t>(argument(2, load.length), 1);
    load.write_size = std::max<std::size_t>(argument(3, load.write_size), 1);
    return reeve::log::run(load, static_cast<int>(argument(4, 5)));
}
