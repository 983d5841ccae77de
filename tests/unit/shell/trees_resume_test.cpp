#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "supervisor/os/pidfd.h"
#include "supervisor/os/signal_fd.h"
#include "supervisor/shell/containment.h"
#include "supervisor/shell/resumed.h"

namespace reeve::shell {
namespace {

namespace fs = std::filesystem;
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

std::string read_line(int fd) {
    std::string line;
    for (char c = 0; read(fd, &c, 1) == 1 && c != '\n';) line += c;
    return line;
}

std::string in_words(const state::Tree& tree) {
    std::ostringstream words;
    words << static_cast<int>(tree.kind) << ' ' << tree.number << ' '
          << (tree.cgroup.empty() ? "-" : tree.cgroup);
    for (const state::Process& process : {tree.keeper, tree.first, tree.main}) {
        words << ' ' << process.pid << ' ' << process.start_time;
    }
    return words.str();
}

state::Tree from_words(const std::string& text) {
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
std::string id_of(std::uint64_t number) {
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
        std::string folder = fs::temp_directory_path() / "reeve-trees-XXXXXX";
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
        fs::remove_all(folder_);
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

const std::string with_a_child = "sleep 1000 & echo $!; read x; exit 7";

TEST_P(ATree, ThatLivesIsTakenOverAndItsEndIsTold) {
    precede_with("echo up; read x; exit 7");
    EXPECT_EQ(intent_.first, state::Process{});
    ASSERT_TRUE(resume(record_));
    EXPECT_EQ(tree_->record(), record_);
    const pid_t main = record_.main.pid;
    EXPECT_TRUE(tree_->is_member(main));
    EXPECT_FALSE(tree_->is_member(getpid()));
    ASSERT_EQ(tree_->members().size(), 1u);
    EXPECT_EQ(tree_->members()[0].pid, main);
    EXPECT_FALSE(tree_->empty());
    let_go_on();
    const ExitStatus status = end();
    if (GetParam() == Kind::Keeper || tells_of_reaped()) {
        EXPECT_EQ(status, ExitStatus::exited(7));
    }
    EXPECT_TRUE(becomes_empty());
}

TEST_P(ATree, WhoseMainProcessEndedUnseenIsTakenOver) {
    precede_with(with_a_child);
    const pid_t child = std::stoi(word_);
    let_go_on();
    await_burial(record_.main.pid);
    ASSERT_TRUE(resume(record_));
    EXPECT_EQ(end(), unseen(7));
    EXPECT_TRUE(tree_->is_member(child));
    EXPECT_TRUE(has_member(child));
    EXPECT_FALSE(tree_->empty());
    tree_->kill();
    EXPECT_TRUE(becomes_empty());
}

TEST_P(ATree, ThatEndedUnseenIsToldOf) {
    precede_with("echo up; read x; exit 7");
    let_go_on();
    await_burial(record_.main.pid);
    ASSERT_TRUE(resume(record_));
    EXPECT_EQ(end(), unseen(7));
    EXPECT_TRUE(becomes_empty());
    if (record_.keeper.pid != 0) await_burial(record_.keeper.pid);
}

TEST_P(ATree, WhoseMainProcessNobodyHasReapedIsKnownByItsZombie) {
    precede_with("echo up; read x; exit 7");
    kill(reaper_, SIGSTOP);
    waitpid(reaper_, nullptr, WUNTRACED);
    ASSERT_TRUE(resume(record_));
    let_go_on();
    EXPECT_EQ(end(), ExitStatus::exited(7));
    kill(reaper_, SIGCONT);
    EXPECT_TRUE(becomes_empty());
}

TEST_P(ATree, WhoseEndHadBeenNoticedIsNotToldOfAgain) {
    precede_with(with_a_child);
    let_go_on();
    await_burial(record_.main.pid);
    record_.main = {};
    ASSERT_TRUE(resume(record_));
    tree_->kill();
    EXPECT_TRUE(becomes_empty());
    EXPECT_FALSE(end_);
}

TEST_P(ATree, IsKilledWithAllThatItForks) {
    precede_with("for i in 1 2 3; do sleep 1000 & done; (setsid sleep 1000 &); echo up; wait");
    ASSERT_TRUE(resume(record_));
    tree_->kill();
    EXPECT_EQ(end(), tells_of_reaped() || GetParam() == Kind::Keeper ? ExitStatus::killed(SIGKILL)
                                                                     : ExitStatus::unknown());
    EXPECT_TRUE(becomes_empty());
    EXPECT_TRUE(tree_->members().empty());
}

TEST_P(ATree, OfWhichOnlyTheIntentIsKnownIsFound) {
    precede_with("echo up; read x; exit 7");
    ASSERT_TRUE(resume(intent_));
    EXPECT_EQ(tree_->record().first, record_.first);
    EXPECT_EQ(tree_->record().main, record_.main);
    EXPECT_EQ(tree_->record().keeper, record_.keeper);
    tree_->signal_main(SIGTERM);
    end();
    EXPECT_TRUE(becomes_empty());
}

TEST_P(ATree, ThatWasNeverBornIsNothing) {
    precede([&](House& house) {
        auto tree = house.containments.open("web", id_of(1000));
        say(in_words(tree->record()));
        (void)tree.release();
    });
    const state::Tree intent = from_words(read_line(records_.reading.get()));
    kill_predecessor();
    EXPECT_FALSE(resume(intent));
    EXPECT_TRUE(tree_->empty());
}

TEST_P(ATree, LeavesAStrangerWithItsNumberAlone) {
    const pid_t stranger = fork();
    if (stranger == 0) {
        for (;;) pause();
    }
    state::Tree record;
    record.kind = GetParam();
    record.number = 1000;
    if (record.kind == Kind::Cgroup) record.cgroup = "web.1000";
    record.first = identify(stranger);
    ++record.first.start_time;
    record.main = record.first;
    if (record.kind == Kind::Keeper) record.keeper = record.first;
    ASSERT_TRUE(resume(record));
    EXPECT_FALSE(tree_->is_member(stranger));
    tree_->signal_main(SIGKILL);
    tree_->signal_all(SIGKILL);
    tree_->kill();
    EXPECT_EQ(end(), ExitStatus::unknown());
    EXPECT_TRUE(becomes_empty());
    EXPECT_EQ(waitpid(stranger, nullptr, WNOHANG), 0);
    kill(stranger, SIGKILL);
    waitpid(stranger, nullptr, 0);
}

TEST_P(ATree, CanBeGivenAnotherMainProcess) {
    precede_with(with_a_child);
    const pid_t child = std::stoi(word_);
    ASSERT_TRUE(resume(record_));
    ASSERT_TRUE(tree_->adopt(child, [this](const os::Ended& end) { end_ = end; }));
    EXPECT_EQ(tree_->record().main, identify(child));
    EXPECT_EQ(tree_->record().first, record_.first);
    tree_->signal_main(SIGTERM);
    end();
    EXPECT_EQ(end_->pid, child);
    tree_->kill();
    EXPECT_TRUE(becomes_empty());
}

TEST_P(ATree, OfOurOwnIsTakenOverAfterAnExecve) {
    // What an execve leaves: the processes, and nothing of what knew of them.
    house_.reset();
    auto* before = new House(folder_, GetParam());
    auto* lost = before->containments.open("web", id_of(1000)).release();
    (void)lost->start(spec("echo up; read x; exit 7", 1000), [](const os::Ended&) {});
    record_ = lost->record();
    house_ = std::make_unique<House>(folder_, GetParam());
    read_line(output_.reading.get());
    ASSERT_TRUE(resume(record_));
    EXPECT_EQ(tree_->members().size(), 1u);
    let_go_on();
    EXPECT_EQ(end(), ExitStatus::exited(7));
    EXPECT_TRUE(becomes_empty());
    (void)new std::pair(before, lost);  // still to be seen by whoever looks for leaks
}

TEST_P(ATree, OfOurOwnThatEndedDuringAnExecveIsToldOf) {
    house_.reset();
    auto* before = new House(folder_, GetParam());
    auto* lost = before->containments.open("web", id_of(1000)).release();
    (void)lost->start(spec("echo up; exit 7", 1000), [](const os::Ended&) {});
    record_ = lost->record();
    house_ = std::make_unique<House>(folder_, GetParam());
    if (const auto pidfd = os::open_pidfd(record_.main.pid)) await_end(pidfd->get());
    ASSERT_TRUE(resume(record_));
    EXPECT_EQ(end(), ExitStatus::exited(7));
    EXPECT_TRUE(becomes_empty());
    (void)new std::pair(before, lost);
}

TEST_P(ATree, IsFoundWheneverItsSupervisorIsKilled) {
    std::mt19937 random(20);
    for (int round = 0; round < 20; ++round) {
        house_.reset();  // which would end the predecessor with what is nobody's
        precede([&](House& house) {
            for (std::uint64_t i = 0; i < 40; ++i) {
                auto tree = house.containments.open("web", id_of(i));
                say(in_words(tree->record()));
                (void)tree->start(spec("echo $$; read x", i), [](const os::Ended&) {});
                say(in_words(tree->record()));
                (void)tree.release();
            }
        });
        usleep(std::uniform_int_distribution<unsigned>(1000, 40'000)(random));
        kill_predecessor();
        std::map<std::uint64_t, state::Tree> records;
        records_.writing.reset();
        for (std::string line; !(line = read_line(records_.reading.get())).empty();) {
            const state::Tree tree = from_words(line);
            records[tree.number] = tree;
        }
        house_ = std::make_unique<House>(folder_, GetParam());
        std::vector<std::unique_ptr<Containment>> trees;
        std::set<pid_t> found;
        std::size_t ended = 0, emptied = 0;
        for (const auto& [number, record] : records) {
            const std::uint64_t index = number - records.begin()->first;
            auto tree = house_->containments.reopen("web", id_of(index), record);
            if (!tree->resume(record, [&](const os::Ended&) { ++ended; })) continue;
            found.insert(tree->record().main.pid);
            trees.push_back(std::move(tree));
        }
        house_->containments.all_reopened();
        for (const auto& tree : trees) {
            tree->kill();
            tree->await_empty([&] { ++emptied; });
        }
        EXPECT_TRUE(
            house_->run_until([&] { return ended == trees.size() && emptied == trees.size(); }));
        // Nobody has the other end any more, unless somebody was not found.
        output_.writing.reset();
        for (std::string line; !(line = read_line(output_.reading.get())).empty();) {
            EXPECT_TRUE(found.contains(std::stoi(line))) << line;
        }
        trees.clear();
        bury();
        records_ = Pipe();
        output_ = Pipe();
    }
}

class AKeptTree : public ATree {};

TEST_P(AKeptTree, GoesOnReportingAfterNobodyHasReadForLong) {
    precede_with(
        "(read x; for i in $(seq 300); do (exit 1 &); done; echo done; exit 7)& "
        "echo $!; wait; read x; exit 8");
    let_go_on();
    EXPECT_EQ(read_line(output_.reading.get()), "done");
    ASSERT_TRUE(resume(record_));
    let_go_on();
    EXPECT_EQ(end(), ExitStatus::exited(8));
    EXPECT_TRUE(becomes_empty());
}

TEST_P(AKeptTree, WhoseKeeperWasKilledIsKnownByItsMarks) {
    precede_with(with_a_child);
    const pid_t child = std::stoi(word_);
    kill(record_.keeper.pid, SIGKILL);
    await_burial(record_.keeper.pid);
    ASSERT_TRUE(resume(record_));
    EXPECT_EQ(tree_->record().kind, Kind::Marks);
    EXPECT_TRUE(has_member(record_.main.pid));
    EXPECT_TRUE(has_member(child));
    tree_->kill();
    end();
    EXPECT_TRUE(becomes_empty());
}

TEST_P(AKeptTree, WhoseKeeperIsKilledLaterIsKnownByItsMarks) {
    precede_with(with_a_child);
    const pid_t child = std::stoi(word_);
    ASSERT_TRUE(resume(record_));
    kill(record_.keeper.pid, SIGKILL);
    EXPECT_TRUE(house_->run_until([&] { return tree_->record().kind == Kind::Marks; }));
    EXPECT_TRUE(has_member(record_.main.pid));
    EXPECT_TRUE(has_member(child));
    tree_->kill();
    end();
    EXPECT_TRUE(becomes_empty());
}

std::string name_of(const testing::TestParamInfo<Kind>& kind) {
    if (kind.param == Kind::Cgroup) return "Cgroup";
    return kind.param == Kind::Keeper ? "Keeper" : "Marks";
}
INSTANTIATE_TEST_SUITE_P(Resumed, ATree, testing::Values(Kind::Cgroup, Kind::Keeper, Kind::Marks),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Resumed, AKeptTree, testing::Values(Kind::Keeper), name_of);

}  // namespace
}  // namespace reeve::shell
