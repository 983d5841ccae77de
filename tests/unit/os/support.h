#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/fd.h"
#include "supervisor/os/spawn.h"

namespace reeve::os::test {

inline const std::string kProbe = REEVE_PROBE_CHILD;

/// A directory that is gone at the end.
class TempDir {
  public:
    TempDir() {
        const char* const base = std::getenv("TMPDIR");
        path_ = std::string(base != nullptr ? base : "/tmp") + "/reeve-os-XXXXXX";
        if (mkdtemp(path_.data()) == nullptr) std::abort();
    }
    ~TempDir() { std::filesystem::remove_all(path_); }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

struct Pipe {
    Fd read, write;

    static Pipe make() {
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) != 0) std::abort();
        return {Fd(fds[0]), Fd(fds[1])};
    }
};

/// Everything until all writers are gone.
inline std::string read_to_end(const Fd& fd) {
    std::string text;
    char buffer[4096];
    for (ssize_t n; (n = read(fd.get(), buffer, sizeof buffer)) > 0;) {
        text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
}

inline std::string read_line(const Fd& fd) {
    std::string line;
    for (char c; read(fd.get(), &c, 1) == 1 && c != '\n';) line += c;
    return line;
}

/// The number after "pid " in the next line.
inline pid_t read_pid(const Fd& fd) {
    const std::string line = read_line(fd);
    return line.starts_with("pid ") ? std::atoi(line.c_str() + 4) : -1;
}

inline void write_file(const std::string& path, const std::string& content, mode_t mode = 0644) {
    const Fd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
        std::abort();
    }
}

/// What f returns, run in a process of its own that it may spoil: false if it fails any check.
template <typename F>
bool holds_in_child(F f) {
    const pid_t pid = fork();
    if (pid == 0) {
        const bool good = f() && !testing::Test::HasFailure();
        std::fflush(nullptr);
        _exit(good ? 0 : 1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

inline std::vector<int> open_descriptors() {
    std::vector<int> fds;
    DIR* const dir = opendir("/proc/self/fd");
    while (const dirent* entry = readdir(dir)) {
        const int fd = std::atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(dir)) fds.push_back(fd);
    }
    closedir(dir);
    return fds;
}

inline Spawner make_spawner(std::vector<ResourceLimit> limits = {}) {
    return std::move(Spawner::create(std::move(limits))).value();
}

/// A child that was spawned and is ended and reaped at the end.
class Running {
  public:
    Running(Spawner& spawner, const SpawnSpec& spec) {
        auto result = spawner.spawn(spec);
        if (auto* failure = std::get_if<SpawnFailure>(&result)) {
            ADD_FAILURE() << failure->text();
            return;
        }
        child_ = std::move(std::get<Spawned>(result));
    }
    ~Running() {
        if (child_.pid <= 0) return;
        kill(child_.pid, SIGKILL);
        wait();
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    pid_t pid() const { return child_.pid; }
    int pidfd() const { return child_.pidfd.get(); }

    /// Until it has ended; it stays a zombie.
    void await_end() const {
        siginfo_t info;
        waitid(P_PID, static_cast<id_t>(child_.pid), &info, WEXITED | WNOWAIT);
    }
    /// Until it has ended and is reaped.
    void wait() {
        waitpid(child_.pid, nullptr, 0);
        child_.pid = 0;
    }

  private:
    Spawned child_;
};

}  // namespace reeve::os::test
