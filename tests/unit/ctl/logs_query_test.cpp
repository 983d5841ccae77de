#include <gmock/gmock.h>

#include <fstream>

#include "ctl/protocol/timestamp.h"
#include "tests/unit/ctl/follower.h"
#include "tests/unit/ctl/zstd_fixture.h"

namespace reeve::ctl {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

/// When record(number, …) was written.
WallTime at(int number) {
    return *protocol::parse_rfc3339("2026-11-21T00:00:00Z") + std::chrono::seconds(number);
}

std::string time_of(int number) { return protocol::rfc3339(at(number)); }

/// How many bytes this process has read so far.
std::uint64_t bytes_read() {
    std::ifstream io("/proc/self/io");
    std::string word;
    std::uint64_t count = 0;
    io >> word >> count;
    return count;
}

class LogsQueryTest : public CtlTest {
  protected:
    std::string folder(const std::string& service) { return dir_ / ("log/" + service); }
    void write(const std::string& file, const std::string& text) {
        write_file(folder("web") + "/" + file, text);
    }

    /// Lines 1 to 1000 of web: files that are compressed in one way or another, and plain ones.
    void write_mixed() {
        write("@20261121T000100Z.log.zst", frame_of(records(1, 200)));
        write("@20261121T000200Z.log.zst", seekable(records(201, 400), 1000));
        write("@20261121T000300Z.log.zst",
              streamed_frame_of(records(401, 500)) + seekable(records(501, 600), 500));
        write("@20261121T000400Z.log", records(601, 800));
        write("@20261121T000400Z.log.zst", seekable(records(601, 800), 1000));
        write("current", records(801, 1000));
    }

    std::string logs(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"logs", "web"});
        const Ran ran = ctl(arguments);
        EXPECT_EQ(ran.exit, 0) << ran.err;
        EXPECT_EQ(ran.err, "");
        return ran.out;
    }
};

TEST_F(LogsQueryTest, AreReadFromCompressedFilesAsFromPlainOnes) {
    write_mixed();
    EXPECT_EQ(logs({}), printed(1, 1000));
    for (const int n : {1, 199, 200, 201, 399, 400, 401, 450, 500, 501, 650, 800, 801, 999}) {
        EXPECT_EQ(logs({"-n", std::to_string(n)}), printed(1001 - n, 1000)) << n;
    }
}

TEST_F(LogsQueryTest, BeginAndEndWhereTheyAreAskedTo) {
    write_mixed();
    for (const int first : {0, 1, 2, 200, 201, 202, 399, 400, 455, 550, 601, 801, 999, 1000}) {
        EXPECT_EQ(logs({"--since", time_of(first)}), printed(std::max(first, 1), 1000)) << first;
        EXPECT_EQ(logs({"--until", time_of(first)}), printed(1, first - 1)) << first;
    }
    EXPECT_EQ(logs({"--since", time_of(1001)}), "");
    EXPECT_EQ(logs({"--since", time_of(1), "--until", time_of(1)}), "");
    EXPECT_EQ(logs({"--since", time_of(150), "--until", time_of(650)}), printed(150, 649));
    EXPECT_EQ(logs({"--since", time_of(150), "--until", time_of(650), "-n", "60"}),
              printed(590, 649));
    EXPECT_EQ(logs({"--since", time_of(645), "--until", time_of(650), "-n", "60"}),
              printed(645, 649));
    EXPECT_EQ(logs({"--until", time_of(650), "-n", "0"}), "");
}

TEST_F(LogsQueryTest, AreCountedAfterTheyWereSiftedOut) {
    std::string log;
    std::string expected;
    for (int i = 1; i <= 3000; ++i) {
        const bool marked = i % 100 == 7;
        log += record(i, marked ? "error " + std::to_string(i) : std::string(500, 'x'), "F",
                      i % 300 == 7 ? "stderr" : "stdout");
        if (i == 1500) {
            write("@20261121T000100Z.log.zst", seekable(log, 100'000));
            log.clear();
        }
    }
    write("current", log);
    EXPECT_EQ(logs({"--grep", "^error", "-n", "2"}), "error 2807\nerror 2907\n");
    EXPECT_EQ(logs({"--grep", "^error", "--stream", "stderr", "-n", "2"}),
              "error 2407\nerror 2707\n");
    for (int i = 7; i < 3000; i += 100) expected += "error " + std::to_string(i) + "\n";
    EXPECT_EQ(logs({"--grep", "error"}), expected);
    EXPECT_EQ(logs({"--grep", "error", "-n", "30"}), expected);
    EXPECT_EQ(logs({"--grep", "error", "-n", "29"}), expected.substr(expected.find('\n') + 1));
    EXPECT_EQ(logs({"--grep", "error", "-n", "1000"}), expected);
    EXPECT_EQ(logs({"--grep", "nothing", "-n", "10"}), "");
}

TEST_F(LogsQueryTest, AreSiftedOutByStreamAndByWholeLines) {
    write("current", record(1, "a", "P") + record(2, "err", "F", "stderr") + record(3, "b") +
                         record(4, "ab", "F", "stderr") + "odd ab\n");
    EXPECT_EQ(logs({"--stream", "stdout"}), "ab\n");
    EXPECT_EQ(logs({"--stream", "stderr"}), "err\nab\n");
    EXPECT_EQ(logs({"--grep", "ab$"}), "ab\nab\nodd ab\n");
    EXPECT_EQ(logs({"--grep", "(?i)^AB", "--stream", "stdout"}), "ab\n");
    EXPECT_EQ(logs({"--since", time_of(3)}), "ab\nab\nodd ab\n") << "also what began before that";
}

TEST_F(LogsQueryTest, OfMegabytesAreWholeWhereverReadingBegins) {
    std::string log = record(1, "before");
    std::string line;
    for (int i = 0; i < 200; ++i) {
        const std::string part(16'000, static_cast<char>('a' + i % 26));
        log += record(2 + i, part, "P");
        line += part;
    }
    write("current", log + record(300, "end") + record(301, "after"));
    EXPECT_EQ(logs({"-n", "2"}), line + "end\nafter\n");
    EXPECT_EQ(logs({"--since", time_of(300)}), line + "end\nafter\n");
    EXPECT_EQ(logs({"--grep", "^aaa.*end$", "-n", "1"}), line + "end\n");
}

TEST_F(LogsQueryTest, OfSeveralServicesAreSiftedOutAndCountedTogether) {
    write("current", record(1, "w1") + record(4, "w4") + record(6, "noise"));
    write_file(folder("db") + "/current", record(2, "d2") + record(3, "d3") + record(5, "d5"));
    EXPECT_EQ(ctl({"logs", "--grep", "^[wd]", "-n", "3"}).out, "db  | d3\nweb | w4\ndb  | d5\n");
    EXPECT_EQ(ctl({"logs", "--since", time_of(3), "--until", time_of(5)}).out,
              "db  | d3\nweb | w4\n");
}

TEST_F(LogsQueryTest, AreFoundInManyFilesByLookingIntoFew) {
    // 200 files of 1000 lines; half of them compressed.
    for (int file = 0; file < 200; ++file) {
        std::string text;
        for (int i = 0; i < 1000; ++i) {
            const int number = file * 1000 + i;
            text += protocol::rfc3339_exact(at(number)) + " stdout F " + std::to_string(number);
            text += " " + std::string(60, static_cast<char>('a' + number % 26)) + "\n";
        }
        char name[64];
        std::snprintf(name, sizeof name, "@%03d.log", file);
        file % 2 == 0 ? write(name, text) : write(std::string(name) + ".zst", seekable(text, 8192));
    }
    const auto cost = [&](std::vector<std::string> arguments, const std::string& expected) {
        const std::uint64_t before = bytes_read();
        EXPECT_THAT(logs(std::move(arguments)), HasSubstr(expected));
        return bytes_read() - before;
    };
    // All of it is about 20 MB.
    EXPECT_LT(cost({"--since", time_of(123'456), "--until", time_of(123'459)}, "123457 "),
              1u << 20);
    EXPECT_LT(cost({"--until", time_of(50'500), "-n", "2"}, "50499 "), 1u << 20);
    EXPECT_LT(cost({"--until", time_of(51'500), "-n", "2"}, "51499 "), 1u << 20);
    EXPECT_LT(cost({"-n", "10"}, "199999 "), 300'000u);
    EXPECT_LT(cost({"--grep", "9 ", "-n", "10"}, "199999 "), 1u << 20);
    EXPECT_LT(cost({"--since", time_of(199'990)}, "199995 "), 1u << 20);
}

TEST_F(LogsQueryTest, WithAnInvalidPatternAreAUsageErrorThatShowsWhere) {
    write_mixed();
    const Ran ran = ctl({"logs", "web", "--grep", "line [0-9"});
    EXPECT_EQ(ran.exit, 2);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err,
              "reevectl: --grep: not a pattern: missing ]: [0-9\n"
              "  line [0-9\n"
              "       ^^^^\n");
}

TEST_F(LogsQueryTest, AtNoTimeAreAUsageErrorThatSaysWhatIsOne) {
    write_mixed();
    for (const char* option : {"--since", "--until"}) {
        const Ran ran = ctl({"logs", "web", option, "noon"});
        EXPECT_EQ(ran.exit, 2);
        EXPECT_THAT(ran.err, AllOf(HasSubstr(std::string(option) + ": noon is no time; write"),
                                   HasSubstr("yesterday")));
    }
    EXPECT_THAT(ctl({"logs", "web", "--since", ""}).err, HasSubstr("--since: '' is no time"));
    EXPECT_EQ(ctl({"logs", "web", "--since", "10m", "--until", "1h"}).exit, 2);
    EXPECT_EQ(ctl({"logs", "web", "--stream", "stdin"}).exit, 2);
    EXPECT_EQ(ctl({"logs", "web", "--run", "1"}).exit, 2);
    EXPECT_EQ(ctl({"logs", "web", "--run", "x"}).exit, 2);
    EXPECT_EQ(ctl({"logs", "web", "--run", "-1", "-f"}).exit, 2);
}

TEST_F(LogsQueryTest, ThatAreDamagedAreToldOfAndHideNoOthers) {
    write("@1.log", records(1, 20));
    write("@2.log.zst", "not compressed at all");
    std::string broken = seekable(records(21, 400), 1000);
    broken.replace(broken.size() / 2, 100, 100, 'x');
    write("@3.log.zst", broken);
    write("current", records(401, 420));
    const Ran ran = ctl({"logs", "web"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_THAT(ran.out, AllOf(testing::StartsWith(printed(1, 50)), EndsWith(printed(401, 420))));
    EXPECT_THAT(ran.err, AllOf(HasSubstr("cannot read " + folder("web") + "/@2.log.zst: "),
                               HasSubstr("cannot read " + folder("web") + "/@3.log.zst: ")));
    EXPECT_EQ(logs({"-n", "5"}), printed(416, 420)) << "what need not be read is no trouble";
    EXPECT_EQ(ctl({"logs", "web", "--since", time_of(410)}).out, printed(410, 420));
    EXPECT_THAT(ctl({"logs", "web", "-n", "400"}).out, EndsWith(printed(401, 420)));
    EXPECT_THAT(ctl({"logs", "web", "-n", "400", "--grep", "line"}).out,
                EndsWith(printed(401, 420)));
}

protocol::RunRecord run_of(int number, int from, std::optional<int> to) {
    protocol::RunRecord run;
    run.service = "web";
    run.run = number;
    run.started = at(from);
    if (to) run.ended = at(*to);
    return run;
}

TEST_F(LogsQueryTest, OfARunGoFromItsStartToItsEnd) {
    write_mixed();
    serve_result(protocol::Runs{{run_of(-1, 300, 410)}});
    EXPECT_EQ(logs({"--run", "-1"}), printed(300, 410));
    EXPECT_EQ(asked<protocol::RunsQuery>(), (protocol::RunsQuery{{"web"}, -1}));
    EXPECT_EQ(logs({"--run", "-1", "-n", "5"}), printed(406, 410));
    EXPECT_EQ(logs({"--run", "-1", "--since", time_of(400), "--until", time_of(900)}),
              printed(400, 410));
    serve_result(protocol::Runs{{run_of(0, 900, {})}});
    EXPECT_EQ(logs({"--run", "0"}), printed(900, 1000));
}

TEST_F(LogsQueryTest, OfARunThatNobodyRemembersExitWith4) {
    write_mixed();
    serve([](const protocol::Request& request) {
        protocol::Runs runs;
        const auto& query = std::get<protocol::RunsQuery>(request.call);
        if (!query.run) runs.runs = {run_of(-1, 1, 2), run_of(0, 3, {})};
        return std::vector{protocol::encode_result(request.id, runs)};
    });
    const Ran ran = ctl({"logs", "web", "--run", "-2"});
    EXPECT_EQ(ran.exit, 4);
    EXPECT_EQ(ran.err,
              "reevectl: the supervisor does not remember run -2 of web: its oldest one is "
              "--run -1\n");
    EXPECT_EQ(ctl({"logs", "--run", "-2"}).err,
              "reevectl: of none of them does the supervisor remember run -2\n");
    serve_result(protocol::Runs{});
    EXPECT_EQ(ctl({"logs", "web", "--run", "0"}).err,
              "reevectl: web has not run since reeved started\n");
}

TEST_F(LogsQueryTest, OfARunNeedASupervisor) {
    write_mixed();
    const Ran ran = ctl({"logs", "web", "--run", "0"});
    EXPECT_EQ(ran.exit, 6);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, HasSubstr("--run needs a supervisor, which knows when runs began"));
}

std::string record_now(const std::string& text, Duration ahead = {}) {
    const WallTime time = std::chrono::system_clock::now() + ahead;
    return protocol::rfc3339_exact(time) + " stdout F " + text + "\n";
}

TEST_F(LogsQueryTest, AreSiftedOutWhileTheyAreFollowed) {
    write("current", records(1, 3) + record(4, "other"));
    Follower follower(dir_, {"logs", "-f", "web", "--grep", "line", "--since", time_of(2)});
    EXPECT_EQ(follower.read_lines(2), printed(2, 3));
    append_to(folder("web") + "/current", record(5, "noise") + record(6, "line 6"));
    EXPECT_EQ(follower.read_lines(1), "line 6\n");
}

TEST_F(LogsQueryTest, AreFollowedUntilTheTimeHasCome) {
    write("current", record_now("first"));
    const WallTime until = std::chrono::system_clock::now() + 300ms;
    Follower follower(dir_, {"logs", "-f", "web", "--until", protocol::rfc3339_exact(until)});
    EXPECT_EQ(follower.read_lines(1), "first\n");
    append_to(folder("web") + "/current", record_now("too late", 1h) + record(1, "in time"));
    EXPECT_EQ(follower.read_lines(1000), "in time\n") << "and then it ends";
    EXPECT_EQ(follower.end(), 0);
    EXPECT_EQ(logs({"-f", "--until", time_of(1)}), "") << "that was long ago";
}

}  // namespace
}  // namespace reeve::ctl
