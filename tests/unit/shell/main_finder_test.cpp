#include "supervisor/shell/main_finder.h"

#include <gtest/gtest.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

namespace reeve::shell {
namespace {

namespace fs = std::filesystem;

/// A process that stays until it is killed, a child of ours.
class Process {
  public:
    Process() : pid_(fork()) {
        if (pid_ != 0) return;
        for (;;) pause();
    }
    ~Process() { end(); }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    pid_t pid() const { return pid_; }
    void end() {
        if (pid_ == 0) return;
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

  private:
    pid_t pid_;
};

class MainFinderTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string folder = fs::temp_directory_path() / "reeve-shell-XXXXXX";
        ASSERT_NE(mkdtemp(folder.data()), nullptr);
        folder_ = folder;
        file_ = folder_ / "x.pid";
    }
    void TearDown() override {
        finder_.reset();
        fs::remove_all(folder_);
    }

    void find(const std::string& pid_file) {
        finder_ = std::make_unique<MainFinder>(
            io_, pid_file, os::StartMark::now(),
            MainFinder::Tree{[this](pid_t pid) { return members_.contains(pid); },
                             [this] { return living_members(); }},
            MainFinder::Listener{[this](pid_t pid) {
                                     if (refusals_-- > 0) return false;
                                     found_ = pid;
                                     return true;
                                 },
                                 [this](std::string why) { told_.push_back(std::move(why)); }});
        finder_->look();
    }
    void find() { find(file_); }

    /// Everything but the member that `ppids_` says otherwise of is a child of ours.
    std::vector<os::ProcessEntry> living_members() {
        std::vector<os::ProcessEntry> entries;
        for (const pid_t pid : members_) {
            auto entry = os::read_process(pid);
            if (!entry || !entry->live()) continue;
            if (const auto parent = ppids_.find(pid); parent != ppids_.end()) {
                entry->ppid = parent->second;
            }
            entries.push_back(*entry);
        }
        return entries;
    }

    void write(const std::string& text) { std::ofstream(file_, std::ios::trunc) << text; }
    /// Until the last that was told is this of the PID file.
    void await(const std::string& why) {
        const std::string sentence = "its PID file " + file_.string() + " " + why;
        run_until([&] { return !told_.empty() && told_.back() == sentence; });
        EXPECT_EQ(told_.empty() ? "" : told_.back(), sentence);
    }
    void await_found(pid_t pid) {
        run_until([&] { return found_ != 0; });
        EXPECT_EQ(found_, pid);
    }
    template <typename F>
    void run_until(F condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        io_.restart();
        while (!condition() && std::chrono::steady_clock::now() < end) io_.run_one_until(end);
    }

    asio::io_context io_;
    fs::path folder_, file_;
    std::set<pid_t> members_;
    std::map<pid_t, pid_t> ppids_;
    std::vector<std::string> told_;
    pid_t found_ = 0;
    int refusals_ = 0;
    std::unique_ptr<MainFinder> finder_;
};

TEST_F(MainFinderTest, TakesTheProcessThatThePidFileNames) {
    Process main;
    members_ = {main.pid()};
    file_ = folder_ / "there" / "x.pid";
    fs::create_directory(folder_ / "there");
    find();
    write(std::to_string(main.pid()) + "\n");
    await_found(main.pid());
}

TEST_F(MainFinderTest, SaysOnceEachWhyNotYetAndGoesOn) {
    Process main, stranger;
    members_ = {main.pid()};
    find();
    await("does not exist yet");
    write("");
    await("is empty");
    write("1 2\n");
    await("does not hold the number of a process, and nothing else");
    write(std::to_string(stranger.pid()));
    await("names process " + std::to_string(stranger.pid()) + ", which is not of this service");
    const std::string number = std::to_string(stranger.pid());
    stranger.end();
    write(number);
    await("names process " + number + ", which is gone");
    finder_->look();
    finder_->look();
    EXPECT_EQ(std::set<std::string>(told_.begin(), told_.end()).size(), 5u);
    EXPECT_EQ(std::unique(told_.begin(), told_.end()), told_.end());
    EXPECT_EQ(found_, 0);
    write(std::to_string(main.pid()));
    await_found(main.pid());
}

TEST_F(MainFinderTest, AFileOlderThanTheStartWaitsToBeWrittenAnew) {
    Process main;
    members_ = {main.pid()};
    write(std::to_string(main.pid()));
    const timeval hour_ago[2] = {{time(nullptr) - 3600, 0}, {time(nullptr) - 3600, 0}};
    ASSERT_EQ(utimes(file_.c_str(), hour_ago), 0);
    find();
    await("is older than this start");
    write(std::to_string(main.pid()));
    await_found(main.pid());
}

TEST_F(MainFinderTest, WaitsForAFolderThatDoesNotExistYet) {
    Process main;
    members_ = {main.pid()};
    file_ = folder_ / "a" / "b" / "x.pid";
    find();
    await("does not exist yet");
    fs::create_directories(file_.parent_path());
    io_.restart();
    io_.poll();
    write(std::to_string(main.pid()));
    await_found(main.pid());
}

TEST_F(MainFinderTest, TakesAFileThatIsMovedIn) {
    Process main;
    members_ = {main.pid()};
    find();
    std::ofstream(folder_ / "x.pid.new") << main.pid();
    fs::rename(folder_ / "x.pid.new", file_);
    await_found(main.pid());
}

TEST_F(MainFinderTest, TakesAMemberThatComesToBeKnownAsOneLater) {
    Process main;
    write(std::to_string(main.pid()));
    find();
    write(std::to_string(main.pid()));
    await("names process " + std::to_string(main.pid()) + ", which is not of this service");
    members_ = {main.pid()};
    finder_->look();
    EXPECT_EQ(found_, main.pid());
}

TEST_F(MainFinderTest, FindsAFileWhereTheKernelDoesNotTellOfIt) {
    Process main;
    members_ = {main.pid()};
    // A link that leads nowhere cannot be watched.
    fs::create_symlink("real", folder_ / "link");
    file_ = folder_ / "link" / "x.pid";
    find();
    await("does not exist yet");
    fs::create_directory(folder_ / "real");
    write(std::to_string(main.pid()));
    await_found(main.pid());
}

TEST_F(MainFinderTest, WithoutAFileTakesTheOldestThatWasReparented) {
    Process worker, main, helper;
    members_ = {worker.pid(), main.pid(), helper.pid()};
    ppids_ = {{worker.pid(), helper.pid()}};
    find("");
    await_found(main.pid());
}

TEST_F(MainFinderTest, LooksAgainWhenWhatWasFoundCannotBeTaken) {
    Process main;
    members_ = {main.pid()};
    refusals_ = 2;
    find("");
    await_found(main.pid());
    found_ = 0;
    refusals_ = 1;
    find();
    write(std::to_string(main.pid()));
    await_found(main.pid());
    EXPECT_EQ(refusals_, -1);
}

TEST_F(MainFinderTest, WithoutAFileTakesWhatStaysAndNotWhatIsAboutToEnd) {
    Process passing, main;
    members_ = {passing.pid(), main.pid()};
    ppids_ = {{main.pid(), passing.pid()}};
    find("");
    ppids_.clear();
    passing.end();
    finder_->look();
    EXPECT_EQ(found_, 0);
    await_found(main.pid());
}

TEST_F(MainFinderTest, WithoutAFileSaysThatNothingWasLeft) {
    find("");
    EXPECT_EQ(told_, std::vector<std::string>{"its first process has ended and left none behind"});
    EXPECT_EQ(found_, 0);
}

TEST_F(MainFinderTest, IsSilentOnceItIsGone) {
    Process main;
    members_ = {main.pid()};
    find("");
    finder_.reset();
    find();
    write(std::to_string(main.pid()));
    finder_.reset();
    io_.run();
    EXPECT_EQ(found_, 0);
}

}  // namespace
}  // namespace reeve::shell
