#include "ctl/aside.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::ctl {

namespace {

using namespace std::chrono_literals;

constexpr auto patience = 1500ms;

void append_number(std::string& to, std::uint64_t number) {
    to.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// How many there are, then the size of each before its bytes.
std::string packed(const Texts& texts) {
    std::string bytes;
    append_number(bytes, texts.size());
    for (const std::string& text : texts) {
        append_number(bytes, text.size());
        bytes += text;
    }
    return bytes;
}

std::optional<std::uint64_t> take_number(std::string_view& from) {
    std::uint64_t number = 0;
    if (from.size() < sizeof number) return std::nullopt;
    std::memcpy(&number, from.data(), sizeof number);
    from.remove_prefix(sizeof number);
    return number;
}

/// What one job gave, if all of it is there.
std::optional<Texts> unpack(std::string_view& from) {
    std::string_view rest = from;
    const auto count = take_number(rest);
    if (!count) return std::nullopt;
    Texts texts;
    while (texts.size() < *count) {
        const auto size = take_number(rest);
        if (!size || rest.size() < *size) return std::nullopt;
        texts.emplace_back(rest.substr(0, *size));
        rest.remove_prefix(*size);
    }
    from = rest;
    return texts;
}

/// Whoever waits for the end of our output or of a connection must not wait for a process that is
/// left behind as well.
int let_go_of_all_but(int pipe) {
    constexpr int kept = STDERR_FILENO + 1;
    const int null = open("/dev/null", O_RDWR);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) dup2(null, fd);
    dup2(pipe, kept);
    close_range(kept + 1, ~0u, 0);
    return kept;
}

[[noreturn]] void work(int pipe, const std::vector<std::function<Texts()>>& jobs) {
    const int out = let_go_of_all_but(pipe);
    for (const auto& job : jobs) {
        const std::string bytes = packed(job());
        for (std::string_view rest = bytes; !rest.empty();) {
            const ssize_t written = write(out, rest.data(), rest.size());
            if (written < 0 && errno != EINTR) _exit(1);
            if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    _exit(0);
}

/// Waits for the next bytes; false when there is nothing more to come or the time is over.
bool receive(int pipe, std::string& received, std::chrono::steady_clock::time_point deadline,
             std::string& why) {
    using namespace std::chrono;
    const auto left = ceil<milliseconds>(deadline - steady_clock::now()).count();
    pollfd wanted{pipe, POLLIN, 0};
    const int ready = poll(&wanted, 1, static_cast<int>(std::max<milliseconds::rep>(left, 0)));
    if (ready < 0 && errno == EINTR) return true;
    if (ready == 0) why = "the disk does not answer";
    if (ready <= 0) return false;
    std::array<char, 64 * 1024> bytes;
    const ssize_t got = read(pipe, bytes.data(), bytes.size());
    if (got > 0) received.append(bytes.data(), static_cast<std::size_t>(got));
    return got > 0;
}

}  // namespace

ReadAside read_aside(const std::vector<std::function<Texts()>>& jobs) {
    ReadAside aside;
    if (jobs.empty()) return aside;
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        aside.why = system_error("cannot make a pipe").text();
        return aside;
    }
    const Fd reading(ends[0]);
    Fd writing(ends[1]);
    const pid_t reader = fork();
    if (reader == 0) work(writing.get(), jobs);
    if (reader < 0) {
        aside.why = system_error("cannot start a process").text();
        return aside;
    }
    writing.reset();
    aside.why = "the process that read it has ended";
    std::string received;
    auto deadline = std::chrono::steady_clock::now() + patience;
    while (aside.given.size() < jobs.size()) {
        std::string_view rest = received;
        if (auto texts = unpack(rest)) {
            received.erase(0, received.size() - rest.size());
            aside.given.push_back(std::move(*texts));
            deadline = std::chrono::steady_clock::now() + patience;
        } else if (!receive(reading.get(), received, deadline, aside.why)) {
            break;
        }
    }
    if (aside.given.size() == jobs.size()) aside.why.clear();
    // One that is caught in a call does not end at that, and is not waited for.
    kill(reader, SIGKILL);
    waitpid(reader, nullptr, aside.why.empty() ? 0 : WNOHANG);
    return aside;
}

}  // namespace reeve::ctl
