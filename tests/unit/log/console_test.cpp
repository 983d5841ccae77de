#include "supervisor/log/console.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "tests/unit/log/support.h"

namespace reeve::log {
namespace {

constexpr Cut kLines{1000, Tail::Keep};

/// What can be read at once.
std::string available(int fd) {
    std::string all;
    char part[65536];
    const int flags = ::fcntl(fd, F_GETFL);
    ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    for (ssize_t n = 0; (n = ::read(fd, part, sizeof part)) > 0;) {
        all.append(part, static_cast<std::size_t>(n));
    }
    ::fcntl(fd, F_SETFL, flags);
    return all;
}

struct ConsoleTest : testing::Test {
    ConsoleTest() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
        reading.reset(ends[0]);
        writing.reset(ends[1]);
    }
    Fd reading, writing;
};

/// Takes all of the input, as far as the console does; how many bytes those were.
std::size_t take_all(Console& console, std::string_view input) {
    std::size_t consumed = 0;
    while (next_record(input.substr(consumed), kLines)) {
        const auto taken = console.take("web", input.substr(consumed), kLines);
        if (taken.consumed == 0) break;
        consumed += taken.consumed;
    }
    return consumed;
}

TEST_F(ConsoleTest, PutsTheNameBeforeEachLine) {
    Console console(writing.get());
    const auto taken = console.take("web", "one\n\nthree\nunfini", kLines);
    EXPECT_EQ(taken.consumed, 11u);
    EXPECT_EQ(available(reading.get()), "web | one\nweb | \nweb | three\n");
}

TEST_F(ConsoleTest, WritesThePartsOfALongLineAsLines) {
    Console console(writing.get());
    const auto taken = console.take("web", "abcdefg", {3, Tail::Keep});
    EXPECT_EQ(taken.consumed, 6u);
    EXPECT_EQ(taken.tail, Tail::Part);
    EXPECT_EQ(available(reading.get()), "web | abc\nweb | def\n");
}

TEST_F(ConsoleTest, NeverChangesTheFlagsOfTheSharedDescriptor) {
    Console console(writing.get());
    console.take("web", "one\n", kLines);
    EXPECT_EQ(::fcntl(writing.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(ConsoleTest, AFullConsoleTakesNothingAndLosesNothing) {
    Console console(writing.get());
    std::string input, expected;
    for (int i = 0; i < 20000; ++i) {
        input += "line " + std::to_string(i) + "\n";
        expected += "web | line " + std::to_string(i) + "\n";
    }
    std::size_t done = take_all(console, input);
    ASSERT_LT(done, input.size());
    std::string seen;
    while (done < input.size()) {
        seen += available(reading.get());
        const std::size_t more = take_all(console, std::string_view(input).substr(done));
        ASSERT_GT(more, 0u);
        done += more;
    }
    EXPECT_TRUE(seen + available(reading.get()) == expected);
}

TEST_F(ConsoleTest, AfterGivingUpItDropsAndCountsUntilTheConsoleTakesLinesAgain) {
    Console console(writing.get());
    std::string input;
    for (int i = 0; i < 20000; ++i) input += "0123456789\n";
    ASSERT_LT(take_all(console, input), input.size());
    while (take_all(console, "0123456789\n") > 0) {
    }
    console.give_up();
    EXPECT_EQ(take_all(console, "a\nb\nc\n"), 6u);
    EXPECT_EQ(lines_of(available(reading.get())).back(), "web | 0123456789");
    EXPECT_EQ(take_all(console, "d\n"), 2u);
    EXPECT_EQ(available(reading.get()),
              "reeve | 3 lines dropped: the console did not take them\nweb | d\n");
}

TEST_F(ConsoleTest, ALineLongerThanAPipeTakesAtOnceIsNotMangled) {
    Console console(writing.get());
    const Cut cut{50000, Tail::Keep};
    const std::string line(40000, 'x');
    const std::string input = line + "\n" + line + "\nend\n";
    std::string seen;
    std::size_t done = 0;
    while (done < input.size()) {
        const auto taken = console.take("web", std::string_view(input).substr(done), cut);
        done += taken.consumed;
        if (taken.consumed == 0) seen += available(reading.get());
    }
    seen += available(reading.get());
    EXPECT_TRUE(seen == "web | " + line + "\nweb | " + line + "\nweb | end\n");
}

TEST_F(ConsoleTest, OneThatWentAwayDropsLines) {
    sigset_t pipe_signal, before;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    Console console(writing.get());
    reading.reset();
    EXPECT_EQ(console.take("web", "one\ntwo\n", kLines).consumed, 8u);
    EXPECT_EQ(console.take("web", "one\ntwo\n", kLines).consumed, 8u);
    const timespec none{};
    ::sigtimedwait(&pipe_signal, nullptr, &none);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(ConsoleTest, ASocketIsNotWaitedForEither) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const Fd ours(ends[0]), theirs(ends[1]);
    Console console(ours.get());
    std::string input;
    for (int i = 0; i < 100000; ++i) input += "0123456789\n";
    EXPECT_LT(take_all(console, input), input.size());
    const std::string seen = available(theirs.get());
    EXPECT_TRUE(seen.starts_with("web | 0123456789\nweb | 0123456789\n"));
}

TEST_F(ConsoleTest, AFileGetsEverything) {
    const TempDir dir;
    const Fd file(::open((dir / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    Console console(file.get());
    std::string input;
    for (int i = 0; i < 20000; ++i) input += "0123456789\n";
    EXPECT_EQ(take_all(console, input), input.size());
    EXPECT_EQ(lines_of(read_file(dir / "out")).size(), 20000u);
}

struct TerminalTest : testing::Test {
    void SetUp() override {
        master.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        char name[64];
        if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
            ::ptsname_r(master.get(), name, sizeof name) != 0) {
            GTEST_SKIP() << "no pseudo terminals here";
        }
        terminal.reset(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
        ASSERT_TRUE(terminal);
        ::unsetenv("NO_COLOR");
    }
    Fd master, terminal;
};

TEST_F(TerminalTest, ColoursNamesPerService) {
    Console console(terminal.get());
    console.take("web", "one\n", kLines);
    console.take("api", "two\n", kLines);
    const auto lines = lines_of(available(master.get()));
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_TRUE(lines[0].starts_with("\033[3")) << lines[0];
    EXPECT_TRUE(lines[0].ends_with("mweb | \033[0mone\r")) << lines[0];
    EXPECT_NE(lines[0].substr(0, 5), lines[1].substr(0, 5));
}

TEST_F(TerminalTest, HasNoColoursWhenTheUserWantsNone) {
    ::setenv("NO_COLOR", "1", 1);
    Console console(terminal.get());
    ::unsetenv("NO_COLOR");
    console.take("web", "one\n", kLines);
    EXPECT_EQ(available(master.get()), "web | one\r\n");
}

TEST_F(TerminalTest, AStuckTerminalDoesNotBlock) {
    Console console(terminal.get());
    std::string input;
    for (int i = 0; i < 100000; ++i) input += "0123456789\n";
    EXPECT_LT(take_all(console, input), input.size());
}

}  // namespace
}  // namespace reeve::log
