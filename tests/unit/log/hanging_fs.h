#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

#include "tests/unit/log/support.h"

namespace reeve::log {

/// The server of a file system that hangs when told (tests/integration/hanging_fs.py).
class HangingFs {
  public:
    explicit HangingFs(pid_t server) : server_(server) {}
    /// From now on no call comes back.
    void hang() const { signal_and_wait(SIGSTOP, 'T'); }
    void go_on() const { ::kill(server_, SIGCONT); }
    /// All calls fail.
    void die() const { ::kill(server_, SIGKILL); }

  private:
    void signal_and_wait(int signal, char state) const {
        ::kill(server_, signal);
        const std::string path = "/proc/" + std::to_string(server_) + "/stat";
        while (read_file(path).find(std::string(") ") + state) == std::string::npos)
            ::sched_yield();
    }

    pid_t server_;
};

/// Runs `body` in a process of its own in which `path` is such a file system, whose files are also
/// in `behind`. Skips the test where there is no FUSE, no Python, or no leave to mount.
inline void on_hanging_fs(const std::string& behind, const std::string& path,
                          const std::function<void(const HangingFs&)>& body) {
    std::filesystem::create_directory(behind);
    std::filesystem::create_directory(path);
    const std::string pid_file = behind + ".pid";
    const pid_t child = ::fork();
    if (child == 0) {
        const std::string mount = "python3 -B " REEVE_SOURCE_DIR
                                  "/tests/integration/hanging_fs.py " +
                                  behind + " " + path + " " + pid_file + " 2> /dev/null";
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            std::system(mount.c_str()) != 0) {  // NOLINT(concurrency-mt-unsafe)
            ::_exit(77);
        }
        body(HangingFs(std::stoi(read_file(pid_file))));
        ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (status == 77 << 8) GTEST_SKIP() << "cannot mount a FUSE file system here";
    EXPECT_EQ(status, 0);
    ::kill(std::stoi(read_file(pid_file)), SIGKILL);
}

}  // namespace reeve::log
