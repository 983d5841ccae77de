#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {

/// What follows, such as `reevectl logs -f`, in a process of its own, which ends with the test.
/// What it prints is read as it comes: nothing here waits for time to pass.
class Follower {
  public:
    Follower(const TempDir& dir, std::vector<std::string> arguments, int err = 2) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
        read_end_.reset(ends[0]);
        Fd write_end(ends[1]);
        child_ = fork();
        if (child_ != 0) return;
        read_end_.reset();
        const Host host{{{"REEVE_RUNTIME_DIR", dir.path()}, {"REEVE_LOG_DIR", dir / "log"}},
                        geteuid(),
                        write_end.get(),
                        err};
        signal(SIGPIPE, SIG_IGN);
        _exit(run(host, arguments));
    }
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;
    ~Follower() {
        if (child_ > 0) kill(child_, SIGKILL), end();
    }

    /// The next lines, as many as asked for.
    std::string read_lines(int count) {
        std::string text;
        char c = 0;
        while (count > 0 && read(read_end_.get(), &c, 1) == 1) {
            text += c;
            if (c == '\n') --count;
        }
        return text;
    }

    void stop_reading() { read_end_.reset(); }
    void interrupt() { kill(child_, SIGINT); }
    int end() {
        int status = 0;
        waitpid(std::exchange(child_, -1), &status, 0);
        return status;
    }

  private:
    Fd read_end_;
    pid_t child_ = -1;
};

}  // namespace reeve::ctl
