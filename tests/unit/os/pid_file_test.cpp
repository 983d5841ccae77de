#include "supervisor/os/pid_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>

#include "supervisor/os/files.h"
#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;

const std::string kOwn = std::to_string(getpid()) + "\n";

std::string content(const std::string& path) { return read_file(path, 1000).value(); }

std::string refusal(const std::string& path) {
    const auto file = PidFile::write(path);
    return file ? "" : file.error().text();
}

TEST(PidFileTest, NamesUsWhileItLives) {
    TempDir dir;
    const mode_t before = umask(0077);
    {
        const auto file = PidFile::write(dir / "x.pid");
        umask(before);
        ASSERT_TRUE(file);
        EXPECT_EQ(content(dir / "x.pid"), kOwn);
        struct stat status {};
        ASSERT_EQ(stat((dir / "x.pid").c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 07777, 0644u);
    }
    EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(PidFileTest, IsRemovedOnceEvenWhenItWasMoved) {
    TempDir dir;
    std::optional<PidFile> kept;
    {
        auto file = PidFile::write(dir / "x.pid");
        kept.emplace(std::move(*file));
    }
    EXPECT_EQ(content(dir / "x.pid"), kOwn);
    kept.reset();
    EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(PidFileTest, IsLeftAloneOnceItNamesSomebodyElse) {
    TempDir dir;
    {
        const auto file = PidFile::write(dir / "x.pid");
        write_file(dir / "x.pid", "1\n");
    }
    EXPECT_EQ(content(dir / "x.pid"), "1\n");
}

TEST(PidFileTest, ReplacesOneThatNamesNobodyOrUsOrNothing) {
    TempDir dir;
    for (const std::string& stale : {std::string("4194305\n"), kOwn, std::string()}) {
        write_file(dir / "x.pid", stale);
        const auto file = PidFile::write(dir / "x.pid");
        ASSERT_TRUE(file) << file.error().text();
        EXPECT_EQ(content(dir / "x.pid"), kOwn);
    }
}

TEST(PidFileTest, ReplacesOneThatNamesAnotherProgramOrADeadProcess) {
    TempDir dir;
    Spawner spawner = make_spawner();
    Pipe input = Pipe::make(), output = Pipe::make();
    SpawnSpec spec;
    spec.argv = {kProbe, "wait"};
    spec.stdin_fd = input.read.get();
    spec.stdout_fd = output.write.get();
    Running program(spawner, spec);
    const pid_t dead = fork();  // ours, and a zombie by then
    if (dead == 0) _exit(0);
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(dead), &info, WEXITED | WNOWAIT);
    for (const pid_t pid : {program.pid(), dead}) {
        write_file(dir / "x.pid", std::to_string(pid) + "\n");
        EXPECT_EQ(refusal(dir / "x.pid"), "");
    }
    waitpid(dead, nullptr, 0);
}

TEST(PidFileTest, RefusesOneThatNamesALivingProcessOfOurProgram) {
    TempDir dir;
    const pid_t twin = fork();
    if (twin == 0) {
        pause();
        _exit(0);
    }
    write_file(dir / "x.pid", std::to_string(twin) + "\n");
    EXPECT_EQ(refusal(dir / "x.pid"), "cannot write the PID file " + (dir / "x.pid") +
                                          ": it names process " + std::to_string(twin) +
                                          ", which is running");
    EXPECT_EQ(content(dir / "x.pid"), std::to_string(twin) + "\n");
    kill(twin, SIGKILL);
    waitpid(twin, nullptr, 0);
}

TEST(PidFileTest, RefusesToReplaceWhatIsNoPidFile) {
    TempDir dir;
    write_file(dir / "text", "root:x:0:0\n");
    write_file(dir / "long", std::string(10'000, '1'));
    std::filesystem::create_directory(dir / "folder");
    std::filesystem::create_symlink("text", dir / "link");
    for (const std::string& path :
         {dir / "text", dir / "long", dir / "folder", dir / "link", std::string("/dev/null")}) {
        EXPECT_EQ(refusal(path), "cannot use " + path + " as a PID file: it is something else");
    }
    EXPECT_EQ(content(dir / "text"), "root:x:0:0\n");
}

TEST(PidFileTest, SaysWhyItCannotBeWritten) {
    EXPECT_EQ(refusal("/no/such/folder/x.pid"),
              "cannot write the PID file /no/such/folder/x.pid: No such file or directory");
}

}  // namespace
}  // namespace reeve::os
