#include "supervisor/shell/own_log_file.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <vector>

#include "supervisor/shell/own_log.h"
#include "tests/unit/log/hanging_fs.h"

namespace reeve::shell {
namespace {

using log::HangingFs;
using log::lines_of;
using log::read_file;

/// What the file itself says.
std::string render(config::LogLevel, std::string_view text) {
    return "(" + std::string(text) + ")\n";
}

void until(const std::function<bool()>& condition) {
    while (!condition()) ::poll(nullptr, 0, 1);
}

/// The signals that each thread of an own log file blocks, in the words of proc(5).
std::vector<std::string> blocked_by_threads() {
    std::vector<std::string> masks;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        if (read_file(task.path() / "comm") != "reeve-own-log\n") continue;
        for (const std::string& line : lines_of(read_file(task.path() / "status"))) {
            if (line.starts_with("SigBlk:\t")) masks.push_back(line.substr(8));
        }
    }
    return masks;
}

class OwnLogFileTest : public testing::Test {
  protected:
    std::shared_ptr<OwnLogFile> open(OwnLogFile::Render with = render) {
        auto file = OwnLogFile::start(path, std::move(with)).value();
        const auto opened = file->wait_until_open(1min);
        EXPECT_TRUE(opened && *opened);
        return file;
    }
    void on_hanging_fs(const std::function<void(const HangingFs&)>& body) const {
        log::on_hanging_fs(dir / "behind", dir / "mounted", body);
    }
    bool is_written(const std::string& text) const {
        return read_file(path).find(text) != std::string::npos;
    }

    const log::TempDir dir;
    std::string path = dir / "log";
};

TEST_F(OwnLogFileTest, HasAllLinesInOrderWhenItIsClosed) {
    std::string all;
    {
        const auto file = open();
        for (int i = 0; i < 1000; ++i) {
            const std::string line = std::to_string(i) + "\n";
            file->write(line);
            all += line;
        }
    }
    EXPECT_EQ(read_file(path), all);
}

TEST_F(OwnLogFileTest, TellsWhyItCannotBeOpened) {
    const auto file = OwnLogFile::start("/no/such/folder/log", render).value();
    const auto opened = file->wait_until_open(1min);
    ASSERT_TRUE(opened && !*opened);
    EXPECT_EQ(opened->error().errnum, ENOENT);
}

TEST_F(OwnLogFileTest, HasOneThreadThatTakesNoSignals) {
    const auto file = open();
    const std::vector<std::string> masks = blocked_by_threads();
    ASSERT_EQ(masks.size(), 1u);
    for (const int signal : {SIGTERM, SIGCHLD, SIGHUP, SIGPIPE, SIGXFSZ}) {
        EXPECT_TRUE(std::stoull(masks[0], nullptr, 16) & (1ull << (signal - 1))) << signal;
    }
}

TEST_F(OwnLogFileTest, StaysWithItsFileWhenThatCannotBeOpenedAnew) {
    std::filesystem::create_directory(dir / "there");
    path = dir / "there/log";
    {
        const auto file = open();
        std::filesystem::rename(dir / "there", dir / "moved");
        file->reopen(render);
        file->write("still here\n");
    }
    EXPECT_EQ(read_file(dir / "moved/log"),
              "(cannot open the log file " + path + ": No such file or directory)\nstill here\n");
}

/// Nothing is written to a file beyond so many bytes, until the end of this.
class SizeLimit {
  public:
    explicit SizeLimit(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~SizeLimit() { lift(); }
    SizeLimit(const SizeLimit&) = delete;
    SizeLimit& operator=(const SizeLimit&) = delete;
    void lift() const { ::setrlimit(RLIMIT_FSIZE, &before_); }

  private:
    rlimit before_{};
};

TEST_F(OwnLogFileTest, CountsWhatTheFileDoesNotTakeAndSaysSoWhenItDoesAgain) {
    const SizeLimit limit(20);
    int said = 0;
    const auto render_twice = [&](config::LogLevel level, std::string_view text) {
        if (++said == 2) limit.lift();
        return render(level, text);
    };
    {
        const auto file = open(render_twice);
        file->write("written\n");
        file->write("written in part alone\n");
        file->write("lost\n");
        file->write("written again\n");
        file->write("and again\n");
    }
    EXPECT_EQ(read_file(path),
              "written\nwritten in p\n"
              "(2 lines of this log lost: File too large)\n"
              "written again\nand again\n");
}

TEST_F(OwnLogFileTest, OnADiskThatDoesNotAnswerLosesWhatFindsNoRoomAndSaysHowMuch) {
    path = dir / "mounted/log";
    on_hanging_fs([&](const HangingFs& fs) {
        const auto file = open();
        file->write("before\n");
        until([&] { return is_written("before"); });
        fs.hang();
        constexpr std::size_t lines = 200, bytes = OwnLogFile::kRoom / 100;
        for (std::size_t i = 0; i < lines; ++i) {
            std::string line = std::to_string(i) + " ";
            line.resize(bytes - 1, '.');
            file->write(line + "\n");
        }
        fs.go_on();
        until([&] { return is_written(" lost: "); });
        file->write("after\n");
        until([&] { return is_written("after"); });

        const std::vector<std::string> found = lines_of(read_file(path));
        ASSERT_GE(found.size(), 3u);
        const std::size_t kept = found.size() - 3;
        // What fits, and the line that the thread was caught with.
        EXPECT_GE(kept, OwnLogFile::kRoom / bytes);
        EXPECT_LE(kept, OwnLogFile::kRoom / bytes + 1);
        EXPECT_EQ(found.front(), "before");
        for (std::size_t i = 0; i < kept; ++i) {
            EXPECT_TRUE(found[i + 1].starts_with(std::to_string(i) + " "));
        }
        EXPECT_EQ(found[kept + 1], "(" + std::to_string(lines - kept) +
                                       " lines of this log lost: the disk does not keep up)");
        EXPECT_EQ(found.back(), "after");
    });
}

TEST_F(OwnLogFileTest, LeavesAThreadBehindThatIsCaught) {
    path = dir / "mounted/log";
    on_hanging_fs([&](const HangingFs& fs) {
        auto file = open();
        fs.hang();
        file->write("caught\n");
        file->write("waits\n");
        file.reset();
        EXPECT_EQ(blocked_by_threads().size(), 1u);
        // It ends what it had begun, if it can.
        fs.go_on();
        until([] { return blocked_by_threads().empty(); });
        EXPECT_EQ(read_file(path), "caught\nwaits\n");
    });
}

TEST_F(OwnLogFileTest, OfALogIsNotWaitedForWhenItIsOpened) {
    on_hanging_fs([&](const HangingFs& fs) {
        config::Supervisor::OwnLog here, there;
        here.file = path;
        there.file = dir / "mounted/log";
        const auto log = OwnLog::open(here).value();
        fs.hang();
        for (int i = 0; i < 3; ++i) {
            const auto configured = log->configure(there);
            ASSERT_FALSE(configured);
            EXPECT_EQ(configured.error().text(),
                      "cannot open the log file " + there.file + ": the disk does not answer");
        }
        EXPECT_EQ(blocked_by_threads().size(), 2u);  // not one each time
        EXPECT_FALSE(OwnLog::open(there, OwnLog::Echo::Nothing, {}, 1ms));
        log->info("stayed");
        until([&] { return is_written("stayed"); });

        fs.go_on();
        until([&] { return log->configure(there).has_value(); });
        until([] { return blocked_by_threads().size() == 1; });
        fs.hang();
        log->reopen();
        EXPECT_TRUE(log->configure(there));
        log->info("went");
        fs.go_on();
        path = there.file;
        until([&] { return is_written("went"); });
    });
}

TEST_F(OwnLogFileTest, OfALogThatNamesNoneCostsNoThread) {
    const auto log = OwnLog::open({}).value();
    EXPECT_TRUE(blocked_by_threads().empty());
}

}  // namespace
}  // namespace reeve::shell
