#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "supervisor/os/pidfd.h"
#include "supervisor/os/signal_fd.h"
#include "supervisor/shell/containment.h"

/// Trees of processes that a supervisor leaves to its successor.
namespace reeve::shell::test {

using Kind = state::Tree::Kind;

struct Pipe {
    Fd reading, writing;
    Pipe() {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) != 0) abort();
        reading.reset(ends[0]);
        writing.reset(ends[1]);
    }
    void close() {
        reading.reset();
        writing.reset();
    }
};

inline std::string read_line(int fd) {
    std::string line;
    for (char c = 0; read(fd, &c, 1) == 1 && c != '\n';) line += c;
    return line;
}

inline std::string in_words(const state::Tree& tree) {
    std::ostringstream words;
    words << static_cast<int>(tree.kind) << ' ' << tree.number << ' '
          << (tree.cgroup.empty() ? "-" : tree.cgroup);
    for (const state::Process& process : {tree.keeper, tree.first, tree.main}) {
        words << ' ' << process.pid << ' ' << process.start_time;
    }
    return words.str();
}

inline state::Tree from_words(const std::string& text) {
    std::istringstream words(text);
    state::Tree tree;
    int kind = 0;
    words >> kind >> tree.number >> tree.cgroup;
    tree.kind = static_cast<Kind>(kind);
    if (tree.cgroup == "-") tree.cgroup.clear();
    for (state::Process* process : {&tree.keeper, &tree.first, &tree.main}) {
        words >> process->pid >> process->start_time;
    }
    return tree;
}

/// As nobody else has it, no other run of these tests either.
inline std::string id_of(std::uint64_t number) {
    static const std::string ours = "trees-resume-" + std::to_string(getpid()) + "-";
    return ours + std::to_string(number);
}

/// All that a supervisor has for its trees.
struct House {
    asio::io_context io{1};
    asio::posix::stream_descriptor signals{io};
    Children children;
    os::Spawner spawner;
    std::unique_ptr<OwnLog> log;
    Containments containments;

    House(const std::string& folder, Kind kind)
        : spawner(std::move(*os::Spawner::create())),
          log(std::move(*OwnLog::open({}))),
          containments(io, children, spawner, *log, folder, kind) {
        const sigset_t child_ended = os::signal_set({SIGCHLD});
        sigprocmask(SIG_BLOCK, &child_ended, nullptr);
        signals.assign(os::make_signal_fd(child_ended)->release());
        listen();
    }
    void listen() {
        signals.async_wait(asio::posix::stream_descriptor::wait_read, [this](const auto& error) {
            if (error) return;
            (void)os::read_signals(signals.native_handle());
            containments.child_ended();
            listen();
        });
    }
    template <typename Done>
    bool run_until(Done done) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!done() && std::chrono::steady_clock::now() < end) io.run_one_until(end);
        return done();
    }
};

class ATree : public testing::TestWithParam<Kind> {
  protected:
    void SetUp() override {
        std::string folder = std::filesystem::temp_directory_path() / "reeve-trees-XXXXXX";
        ASSERT_NE(mkdtemp(folder.data()), nullptr);
        folder_ = folder;
        (void)id_of(0);  // before anybody is forked
        house_ = std::make_unique<House>(folder_, GetParam());
        const auto probe = house_->containments.open("probe", {});
        if (probe->record().kind != GetParam()) GTEST_SKIP() << probe->tracking().why;
    }
    void TearDown() override {
        tree_.reset();
        house_.reset();
        bury();
        std::filesystem::remove_all(folder_);
    }

    os::SpawnSpec spec(const std::string& script, std::uint64_t number) const {
        os::SpawnSpec spec;
        spec.argv = {"/bin/sh", "-c", script};
        spec.env = {"PATH=/usr/bin:/bin", "REEVE_INVOCATION_ID=" + id_of(number)};
        spec.stdin_fd = input_.reading.get();
        spec.stdout_fd = output_.writing.get();
        return spec;
    }

    /// Forks a supervisor that does this and waits to be killed; its orphans go to one that reaps.
    template <typename Life>
    void precede(Life life) {
        Pipe born;
        reaper_ = fork();
        ASSERT_NE(reaper_, -1);
        if (reaper_ != 0) {
            predecessor_ = std::stoi(read_line(born.reading.get()));
            return;
        }
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        const pid_t predecessor = fork();
        if (predecessor != 0) {
            const std::string line = std::to_string(predecessor) + "\n";
            if (write(born.writing.get(), line.data(), line.size()) < 0) abort();
            for (Pipe* pipe : {&input_, &output_, &records_}) pipe->close();
            while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
            }
            _exit(0);
        }
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        life(*new House(folder_, GetParam()));
        for (;;) pause();
    }
    void kill_predecessor() const {
        const auto pidfd = os::open_pidfd(predecessor_);
        kill(predecessor_, SIGKILL);
        if (pidfd) await_end(pidfd->get());
    }
    /// All that came of the predecessor has ended.
    void bury() {
        if (reaper_ != 0) waitpid(std::exchange(reaper_, 0), nullptr, 0);
    }
    static void await_end(int pidfd) {
        pollfd ended{pidfd, POLLIN, 0};
        poll(&ended, 1, -1);
    }

    /// A predecessor that starts this and is killed when it has said a word; what it wrote down
    /// before the start and after.
    void precede_with(const std::string& script) {
        precede([&](House& house) {
            auto tree = house.containments.open("web", id_of(1000));
            say(in_words(tree->record()));
            (void)tree->start(spec(script, 1000), [](const os::Ended&) {});
            say(in_words(tree->record()));
            (void)tree.release();
        });
        intent_ = from_words(read_line(records_.reading.get()));
        record_ = from_words(read_line(records_.reading.get()));
        word_ = read_line(output_.reading.get());
        kill_predecessor();
    }
    void say(const std::string& words) const {
        const std::string line = words + "\n";
        if (write(records_.writing.get(), line.data(), line.size()) < 0) abort();
    }

    bool resume(const state::Tree& record) {
        tree_ = house_->containments.reopen("web", id_of(1000), record);
        const bool resumed = tree_->resume(record, [this](const os::Ended& end) {
            EXPECT_FALSE(end_);
            end_ = end;
        });
        EXPECT_FALSE(end_) << "told from within the call";
        house_->containments.all_reopened();
        return resumed;
    }
    ExitStatus end() {
        EXPECT_TRUE(house_->run_until([&] { return end_.has_value(); }));
        EXPECT_EQ(tree_->record().main, state::Process{});
        return end_ ? end_->status : ExitStatus::unknown();
    }
    bool becomes_empty() {
        bool empty = false;
        tree_->await_empty([&] { empty = true; });
        return house_->run_until([&] { return empty; }) && tree_->empty();
    }
    void let_go_on() { EXPECT_EQ(write(input_.writing.get(), "\n", 1), 1); }
    /// The end of a process, and that somebody has reaped it.
    static void await_burial(pid_t pid) {
        const auto pidfd = os::open_pidfd(pid);
        if (!pidfd) return;
        await_end(pidfd->get());
        while (os::has_process(pidfd->get())) std::this_thread::yield();
    }
    static bool tells_of_reaped() {
        const pid_t child = fork();
        if (child == 0) _exit(3);
        const auto pidfd = os::open_pidfd(child);
        waitpid(child, nullptr, 0);
        return os::exit_of_reaped(pidfd->get()).has_value();
    }
    bool has_member(pid_t pid) const {
        const auto members = tree_->members();
        return std::any_of(members.begin(), members.end(),
                           [&](const auto& process) { return process.pid == pid; });
    }
    /// How the end of a main process that ended unseen is known.
    ExitStatus unseen(int status) const {
        return GetParam() == Kind::Keeper ? ExitStatus::exited(status) : ExitStatus::unknown();
    }

    std::string folder_;
    Pipe input_, output_, records_;
    pid_t reaper_ = 0, predecessor_ = 0;
    state::Tree intent_, record_;
    std::string word_;
    std::unique_ptr<House> house_;
    std::unique_ptr<Containment> tree_;
    std::optional<os::Ended> end_;
};

}  // namespace reeve::shell::test
