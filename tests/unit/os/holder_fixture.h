#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/os/holder.h"
#include "supervisor/os/pidfd.h"
#include "tests/unit/os/support.h"

/// Holders, their owners, and what they are given to hold.
namespace reeve::os::test {

constexpr std::uint32_t a_kind = 7;
/// For what comes at once or, when something is broken, never.
constexpr int at_most_ms = 10'000;

inline Fd duplicate(int fd) { return Fd(fcntl(fd, F_DUPFD_CLOEXEC, 3)); }

inline sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

inline Fd connected(const std::string& path, int type) {
    Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    const auto address = address_of(path);
    const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
    return connect(socket.get(), generic, sizeof address) == 0 ? std::move(socket) : Fd();
}

inline Fd bound(const std::string& path, int type) {
    Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    const auto address = address_of(path);
    bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return socket;
}

inline bool becomes(int fd, short events) {
    pollfd ready{fd, events, 0};
    return poll(&ready, 1, at_most_ms) == 1 && (ready.revents & (events | POLLHUP)) != 0;
}

/// The socket's other side hangs up without having said anything.
inline bool is_sent_away(const Fd& socket) {
    char byte = 0;
    return socket && becomes(socket.get(), POLLIN) &&
           recv(socket.get(), &byte, 1, MSG_DONTWAIT) <= 0;
}

/// The last process that writes to the pipe closes it.
inline bool is_let_go(const Pipe& pipe) { return becomes(pipe.read.get(), 0); }

/// A pipe with the text in it, which no process writes to any more.
inline Fd pipe_with(const std::string& text) {
    Pipe pipe = Pipe::make();
    EXPECT_EQ(write(pipe.write.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    return std::move(pipe.read);
}

inline bool flush_all(Holder& holder) {
    for (;;) {
        const auto done = holder.flush();
        if (!done) return false;
        if (*done) return true;
        if (!becomes(holder.fd(), POLLOUT)) return false;
    }
}

class AHolder : public testing::Test {
  protected:
    /// Orphans, and so the holder of a predecessor, become our children.
    void SetUp() override { prctl(PR_SET_CHILD_SUBREAPER, 1); }

    void TearDown() override {
        end_predecessor();
        for (const pid_t holder : holders_) {
            kill(holder, SIGKILL);
            waitpid(holder, nullptr, 0);
        }
    }

    /// Starts a process that starts a holder and then does what is given, and stays.
    void have_predecessor(const std::function<void(Holder&)>& work) {
        Pipe told = Pipe::make();
        predecessor_ = fork();
        if (predecessor_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            auto holder = Holder::start(spawner_, path_);
            if (!holder) _exit(1);
            dprintf(told.write.get(), "pid %d\n", holder->pid());
            work(*holder);
            if (!flush_all(*holder)) _exit(1);
            dprintf(told.write.get(), "done\n");
            for (;;) pause();
        }
        told.write.reset();
        const pid_t holder = read_pid(told.read);
        ASSERT_GT(holder, 0);
        holders_.push_back(holder);
        ASSERT_EQ(read_line(told.read), "done");
    }

    void end_predecessor() {
        if (predecessor_ <= 0) return;
        kill(predecessor_, SIGKILL);
        waitpid(predecessor_, nullptr, 0);
        predecessor_ = 0;
    }

    std::optional<Holder> find() {
        auto found = Holder::find(path_);
        if (!found) ADD_FAILURE() << found.error().text();
        if (!found || !*found) return std::nullopt;
        return std::move(*found);
    }

    std::optional<Holder> start() {
        auto started = Holder::start(spawner_, path_);
        if (!started) ADD_FAILURE() << started.error().text();
        if (!started) return std::nullopt;
        holders_.push_back(started->pid());
        return std::move(*started);
    }

    /// Of the first that was started: the status that waitpid(2) tells, -1 if it does not end.
    int status_at_end() {
        int status = -1;
        const auto pidfd = open_pidfd(holders_.front());
        if (!pidfd || !becomes(pidfd->get(), POLLIN)) return -1;
        waitpid(holders_.front(), &status, 0);
        holders_.erase(holders_.begin());
        return status;
    }

    static std::vector<Holder::Held> all_of(Holder& holder) {
        auto all = holder.take_all();
        if (!all) ADD_FAILURE() << all.error().text();
        return all ? std::move(*all) : std::vector<Holder::Held>();
    }

    static Fd* held_as(std::vector<Holder::Held>& all, std::uint64_t id) {
        const auto found = std::find_if(all.begin(), all.end(), [&](const Holder::Held& held) {
            return held.key == Holder::Key{a_kind, id};
        });
        return found == all.end() ? nullptr : &found->fd;
    }

    TempDir dir_;
    std::string path_ = dir_ / "holder";
    Spawner spawner_ = make_spawner();
    std::vector<pid_t> holders_;  // that are not reaped, all our own children in the end

  private:
    pid_t predecessor_ = 0;
};

}  // namespace reeve::os::test
