#include <gmock/gmock.h>

#include "ctl/card.h"
#include "ctl/protocol/timestamp.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {
namespace {

using protocol::ServiceStatus;
using protocol::State;
using protocol::StatusDocument;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const WallTime now = *protocol::parse_rfc3339("2026-11-21T01:00:00Z");

Look plain(std::size_t width = 0) { return {width, false, false, now, "reevectl"}; }

StatusDocument three() {
    ServiceStatus web = service("web", State::Running, "ready");
    web.since = now - 200s;
    web.restarts = 2;
    web.cpu = 1500ms;
    web.memory = 34u << 20;
    ServiceStatus worker =
        service("worker", State::Failed, "exit 1 after 120 ms, 4th time; gave up");
    worker.since = now - 2h;
    return {{"0.1.0", 1, false, 300s, "/run/reeve", {}},
            {service("db", State::Stopped, "not enabled"), web, worker}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

TEST(Table, ShowsALinePerServiceAndWhatToTypeNext) {
    EXPECT_EQ(render_table(three(), plain()),
              "NAME    STATE    SINCE       PID  RESTARTS    CPU     MEM  CAUSE\n"
              "db      stopped  -             -         0      -       -  not enabled\n"
              "web     running  3 min ago  1234         2  1.5 s  34 MiB\n"
              "worker  failed   2 h ago       -         0      -       -  "
              "exit 1 after 120 ms, 4th time; gave up\n"
              "\n"
              "3 services: 1 running, 1 stopped, 1 failed\n"
              "1 failed:  reevectl why worker\n");
}

TEST(Table, SaysWhatIsUnhealthyThoughItRuns) {
    ServiceStatus web = service("web", State::Running, "unhealthy: HTTP 503, twice in a row");
    web.unhealthy = "HTTP 503";
    EXPECT_THAT(render_table({{}, {web}}, plain()), HasSubstr("  unhealthy: HTTP 503\n"));
    web.unhealthy.reset();
    EXPECT_THAT(render_table({{}, {web}}, plain()), Not(HasSubstr("503")));
}

TEST(Table, FitsTheTerminal) {
    for (const std::size_t width : {50u, 60u, 70u, 80u, 120u}) {
        for (const std::string& line : lines_of(render_table(three(), plain(width)))) {
            EXPECT_LE(columns(line), width) << line;
        }
    }
    const std::string narrow = render_table(three(), plain(50));
    EXPECT_THAT(narrow,
                AllOf(HasSubstr("worker  failed"), HasSubstr("exit 1"), Not(HasSubstr("CPU"))));
    EXPECT_THAT(render_table(three(), plain(20)), HasSubstr("\n  exit 1"));
}

TEST(Table, SaysWholeWhyAServiceIsNotUpButKeepsToALineForOthers) {
    const std::string cause = "cannot start: exec /srv/app/bin/mailer: No such file or directory";
    const StatusDocument document{
        {}, {service("a", State::Failed, cause), service("b", State::Stopped, cause)}};
    EXPECT_EQ(render_table(document, plain(60)),
              "NAME  STATE    SINCE  PID  CAUSE\n"
              "a     failed   -        -  cannot start: exec\n"
              "                           /srv/app/bin/mailer: No such file\n"
              "                           or directory\n"
              "b     stopped  -        -  cannot start: exec /srv/app/bi...\n"
              "\n"
              "2 services: 1 stopped, 1 failed\n"
              "1 failed:  reevectl why a\n");
    EXPECT_EQ(render_table(document, plain(24)),
              "NAME  STATE    CAUSE\n"
              "a     failed\n"
              "  cannot start: exec\n"
              "  /srv/app/bin/mailer:\n"
              "  No such file or\n"
              "  directory\n"
              "b     stopped\n"
              "  cannot start: exec ...\n"
              "\n"
              "2 services: 1 stopped,\n"
              "  1 failed\n"
              "1 failed:  reevectl why a\n");
}

TEST(Table, OfHundredsOfServicesHasAFewLinesOfHints) {
    StatusDocument document;
    for (int i = 0; i < 900; ++i) {
        const State state = i % 3 == 0   ? State::Failed
                            : i % 3 == 1 ? State::Backoff
                                         : State::Waiting;
        document.services.push_back(service("service-" + std::to_string(i), state, "x"));
    }
    const auto lines = lines_of(render_table(document, plain(90)));
    ASSERT_EQ(lines.size(), 1 + 900 + 1 + 4u);
    EXPECT_EQ(lines[903],
              "300 failed:      reevectl why service-0  (also service-3, service-6 and 297 more)");
    // What is no command goes first where there is no room.
    EXPECT_EQ(lines_of(render_table(document, plain(60))).back(),
              "300 waiting:     reevectl why service-2");
}

TEST(Table, ColoursOnlyWhenAskedTo) {
    Look look = plain(100);
    EXPECT_THAT(render_table(three(), look), Not(HasSubstr("\x1b")));
    look.colour = true;
    EXPECT_THAT(render_table(three(), look), HasSubstr("\x1b[31mfailed"));
}

TEST(Table, NamesTheFirstFewInTrouble) {
    StatusDocument document;
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        document.services.push_back(service(name, State::Failed));
    }
    document.services.push_back(service("f", State::Backoff, "next start in 800 ms"));
    const std::string table = render_table(document, plain());
    EXPECT_THAT(table, HasSubstr("5 failed:      reevectl why a  (also b, c and 2 more)\n"));
    EXPECT_THAT(table, HasSubstr("1 in backoff:  reevectl why f\n"));
}

TEST(Table, OfNoServicesSaysWhereTheyWouldComeFrom) {
    StatusDocument document;
    document.supervisor.config = {"/etc/reeve/reeve.yaml", "/etc/reeve/services.d"};
    EXPECT_EQ(render_table(document, plain()),
              "0 services: there are none in /etc/reeve/reeve.yaml and /etc/reeve/services.d\n"
              "once there are some:  reevectl apply\n");
}

TEST(Table, SaysThatTheSupervisorIsStopping) {
    StatusDocument document = three();
    document.supervisor.stopping = true;
    EXPECT_THAT(render_table(document, plain()), HasSubstr("the supervisor is stopping"));
}

ServiceStatus evil() {
    ServiceStatus status = service("web", State::Backoff, "\x1b]0;owned\x07 exit 1\nfake: running");
    status.description =
        "\xe2\x80\xae"
        "desrever\xff";
    status.status_text =
        "a\r\tb\x9b"
        "31m";
    status.processes = {{{1, 0, "sh -c \x1b[2J", "S"}}};
    return status;
}

TEST(Table, MakesWhatServicesSayHarmless) {
    const std::string table = render_table({{}, {evil()}}, plain());
    EXPECT_THAT(table, AllOf(HasSubstr("\\e]0;owned\\x07 exit 1\\nfake"), Not(HasSubstr("\x1b"))));
}

TEST(Card, MakesWhatServicesSayHarmless) {
    const std::string card = render_card(
        evil(), {}, {{{"2026-11-21T00:40:00Z", "stdout", "\x1b[31mred\x1b[0m"}}}, plain());
    EXPECT_THAT(card, Not(HasSubstr("\x1b")));
    EXPECT_THAT(card, Not(HasSubstr("\xe2\x80\xae")));
    EXPECT_THAT(card, HasSubstr("\\u202edesrever\\xff"));
    EXPECT_THAT(card, HasSubstr("a\\r\\tb\\x9b31m"));
}

ServiceStatus whole() {
    ServiceStatus web = three().services[1];
    web.description = "The shop's front end";
    web.last_exit = protocol::LastExit{ExitStatus::exited(1), now - 200s, 120ms};
    web.status_text = "Processed 42 jobs";
    web.uptime = 200s;
    web.groups = {"shop"};
    web.tasks = 7;
    web.tracking = protocol::Tracking{"cgroup", "/reeve-25-7/web.1", {}};
    web.processes = {{{1234, 1, "nginx: master", "S"},
                      {1235, 1234, "nginx: worker", "S"},
                      {1237, 1235, "helper", "Z"},
                      {1236, 1234, "nginx: worker", "S"}}};
    return web;
}

TEST(Card, ShowsEverythingThatIsKnown) {
    setenv("TZ", "UTC", 1);
    const std::string card = render_card(
        whole(), {}, {{{"2026-11-21T00:59:59.5Z", "stdout", "GET /"}, {"", "", "odd"}}}, plain());
    EXPECT_EQ(card,
              "* web - The shop's front end\n"
              "     state  running since 2026-11-21 00:56:40 UTC, 3 min 20 s ago\n"
              "     cause  ready\n"
              "     ready  yes\n"
              "    status  Processed 42 jobs\n"
              "  main PID  1234\n"
              "    uptime  3 min 20 s\n"
              "  restarts  2\n"
              " last exit  exit 1 after 120 ms, 3 min 20 s ago\n"
              "   at boot  started\n"
              "    groups  shop\n"
              "       CPU  1.5 s\n"
              "    memory  34 MiB\n"
              "     tasks  7\n"
              "   tracked  by its cgroup /reeve-25-7/web.1\n"
              " processes  1234 nginx: master\n"
              "            |- 1235 nginx: worker\n"
              "            |  `- 1237 helper (zombie)\n"
              "            `- 1236 nginx: worker\n"
              "       log  00:59:59  GET /\n"
              "            odd\n");
}

TEST(Card, SaysThatNobodySawItsLastExit) {
    ServiceStatus web = whole();
    web.last_exit->ran.reset();
    EXPECT_THAT(render_card(web, {}, {}, plain()),
                HasSubstr(" last exit  exit 1, while no supervisor was there; noticed 3 min 20 s "
                          "ago\n"));
}

TEST(Card, SaysWhatIsUnhealthy) {
    ServiceStatus web = whole();
    web.unhealthy = "HTTP 503";
    EXPECT_THAT(render_card(web, {}, {}, plain()),
                HasSubstr("     ready  yes\n    health  unhealthy: HTTP 503\n"));
}

TEST(Card, SaysWhatIsWrongWithTheLog) {
    ServiceStatus web = whole();
    const Look look = plain();
    web.log = protocol::LogTrouble{"No space left on device", look.now - 2min, false, 1234567, 1};
    EXPECT_THAT(render_card(web, {}, {}, look),
                HasSubstr("log trouble  No space left on device since " +
                          local_clock_in_seconds(look.now - 2min) +
                          "; 1,234,567 lines lost; 1 line dropped as over its rate\n"));
    web.log = protocol::LogTrouble{"Read-only file system", look.now - 48h, true, 0, 0};
    EXPECT_THAT(render_card(web, {}, {}, look),
                HasSubstr("log trouble  Read-only file system since " + local_time(look.now - 48h) +
                          "; its lines wait\n"));
    web.log = protocol::LogTrouble{{}, {}, false, 12, 0};
    EXPECT_THAT(render_card(web, {}, {}, look), HasSubstr("log trouble  12 lines lost\n"));
}

TEST(Card, TellsTheTimeOfALineInWhateverZone) {
    setenv("TZ", "<+01234567890123456789012345678901234567890123>0", 1);
    tzset();
    const std::string card = render_card(service("web", State::Running), {},
                                         {{{"2026-11-21T00:59:59.5Z", "stdout", "x"}}}, plain());
    setenv("TZ", "UTC", 1);
    tzset();
    EXPECT_THAT(card, HasSubstr("log  00:59:59  x\n"));
}

TEST(Card, DrawsInUnicodeWhereThatIsSpoken) {
    Look look = plain();
    look.unicode = true;
    EXPECT_THAT(render_card(whole(), {}, {}, look),
                AllOf(StartsWith("● web — "), HasSubstr("└─ 1236")));
}

TEST(Card, FitsTheTerminalButNeverCutsACommand) {
    for (const std::size_t width : {40u, 80u, 120u}) {
        const ServiceStatus failed =
            service("worker", State::Failed, std::string(1000, 'x') + " " + std::string(30, 'y'));
        const auto lines =
            lines_of(render_card(failed, {}, {{{"", "", std::string(500, 'z')}}}, plain(width)));
        for (const std::string& line : lines) EXPECT_LE(columns(line), width) << line;
        EXPECT_THAT(lines, testing::Contains(testing::EndsWith("  reevectl reset-failed worker")));
    }
    EXPECT_THAT(render_card(service("worker", State::Failed), {}, {}, plain(20)),
                HasSubstr("to leave it stopped:\n  reevectl reset-failed worker\n"));
}

TEST(Card, SaysWhatIsWrongAlsoWithoutAnExplanation) {
    const auto end_of = [](State state, const std::string& cause) {
        const std::string card = render_card(service("db", state, cause), {}, {}, plain());
        return card.substr(card.find("\n\n") + 2);
    };
    EXPECT_EQ(end_of(State::Failed, "exit 1"),
              "db has failed, and nothing starts it again by itself.\n"
              "why, in full:         reevectl why db\n"
              "once mended:          reevectl start db\n"
              "all that it wrote:    reevectl logs db\n"
              "to leave it stopped:  reevectl reset-failed db\n");
    EXPECT_EQ(end_of(State::Waiting, "waits for cache"),
              "db waits for another service, and starts by itself after it.\n"
              "why, in full:  reevectl why db\n");
    const std::string running = render_card(service("db", State::Running), {}, {}, plain());
    EXPECT_THAT(running, Not(HasSubstr("reevectl")));
}

TEST(Card, DrawsProcessesWithSenselessParentsOnce) {
    ServiceStatus web = service("web", State::Running);
    web.processes = {{{5, 5, "own parent", "S"}, {6, 7, "a", "S"}, {7, 6, "b", "S"}}};
    EXPECT_THAT(render_card(web, {}, {}, plain()),
                AllOf(HasSubstr("own parent"), HasSubstr("and 2 more")));
    std::vector<protocol::Process> deep;
    for (pid_t pid = 1; pid <= 100'000; ++pid) deep.push_back({pid, pid - 1, "x", "S"});
    web.processes = deep;
    EXPECT_THAT(render_card(web, {}, {}, plain()), HasSubstr("and 99960 more"));
}

TEST(Text, KnowsHowWideCharactersAre) {
    EXPECT_EQ(columns("abc"), 3u);
    EXPECT_EQ(columns("e\xcc\x81"), 1u);
    EXPECT_EQ(columns("\xe6\x97\xa5\xe6\x9c\xac"), 4u);
    EXPECT_EQ(columns("\u2705"), 2u);
    EXPECT_EQ(columns("\U0001fae0\U0001f7e2"), 4u);
    EXPECT_EQ(columns("\u2713\u25cf\u2192"), 3u);
    EXPECT_EQ(clipped("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4, true), "\xe6\x97\xa5\xe2\x80\xa6");
    EXPECT_EQ(clipped("abcdef", 5, false), "ab...");
    EXPECT_EQ(clipped("abcdef", 6, false), "abcdef");
}

TEST(Text, LeavesALogLineItsColoursAndTabs) {
    EXPECT_EQ(harmless_line("\x1b[1;31mred\x1b[m\tx"), "\x1b[1;31mred\x1b[m\tx");
    EXPECT_EQ(harmless_line("\x1b[2J\x1b]0;t\x07\x1b[31"), "\\e[2J\\e]0;t\\x07\\e[31");
    EXPECT_EQ(harmless("\t\x1b[m"), "\\t\\e[m");
}

TEST(Text, ShowsWhatIsInvisible) {
    EXPECT_EQ(harmless("a\xe2\x81\xa0\xc2\xad\xf3\xa0\x81\x81z"), "a\\u2060\\u00ad\\U000e0041z");
    // What joins letters and pictures is part of what is written.
    EXPECT_EQ(harmless("\xe2\x80\x8d\xc3\xa9"), "\xe2\x80\x8d\xc3\xa9");
}

TEST(Text, QuotesWordsForAShell) {
    EXPECT_EQ(shell_quoted("/run/reeve-1/a.b@c"), "/run/reeve-1/a.b@c");
    EXPECT_EQ(shell_quoted("/tmp/my sock"), "'/tmp/my sock'");
    EXPECT_EQ(shell_quoted("web*"), "'web*'");
    EXPECT_EQ(shell_quoted("it's"), R"('it'\''s')");
    EXPECT_EQ(shell_quoted(""), "''");
    EXPECT_EQ(shell_quoted("a'\\\x1b\n"), R"($'a\'\\\e\n')");
}

TEST(Text, SaysSizesInThreeDigits) {
    EXPECT_EQ(size_in_words(0), "0 B");
    EXPECT_EQ(size_in_words(1023), "1023 B");
    EXPECT_EQ(size_in_words(1536), "1.5 KiB");
    EXPECT_EQ(size_in_words(34u << 20), "34 MiB");
    EXPECT_EQ(size_in_words((1u << 20) - 1), "1.0 MiB");
}

class StatusTest : public CtlTest {};

TEST_F(StatusTest, WithoutNamesExitsWith0WhateverFailed) {
    serve_status(three());
    const Ran ran = ctl({"status"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("1 failed:  reevectl why worker\n"));
    EXPECT_EQ(ctl({"status", "--all"}).exit, 0);
}

TEST_F(StatusTest, OfANameExitsWith3UnlessItRuns) {
    const std::vector<std::pair<State, int>> states = {
        {State::Running, 0}, {State::Reloading, 0}, {State::Stopped, 3},  {State::Failed, 3},
        {State::Backoff, 3}, {State::Waiting, 3},   {State::Starting, 3}, {State::Done, 3}};
    for (const auto& [state, exit] : states) {
        serve_status({{}, {service("web", state)}});
        const Ran ran = ctl({"status", "web"});
        EXPECT_EQ(ran.exit, exit);
        EXPECT_THAT(ran.out, HasSubstr(to_string(state)));
        EXPECT_EQ(ctl({"status", "web", "--quiet"}).out, "");
        supervisor_.reset();
    }
}

TEST_F(StatusTest, OfANameAsksForAllAndShowsItsLastLines) {
    std::string log;
    for (int i = 1; i <= 20; ++i) {
        log += "2026-11-21T00:40:00.123456789Z stdout F line " + std::to_string(i) + "\n";
    }
    write_file(dir_ / "log/web/current", log);
    serve_status({{}, {service("web", State::Running)}});
    const Ran ran = ctl({"status", "web"});
    EXPECT_THAT(ran.out, AllOf(HasSubstr("line 11\n"), HasSubstr("line 20\n")));
    EXPECT_THAT(ran.out, Not(HasSubstr("line 10\n")));
    EXPECT_EQ(std::get<protocol::StatusQuery>(supervisor_->requests()[1].call),
              (protocol::StatusQuery{{"web"}, true, true}));
}

TEST_F(StatusTest, OfANameSaysWhyThereAreNoLines) {
    serve_status({{}, {service("web", State::Running)}});
    EXPECT_THAT(ctl({"status", "web"}).out,
                HasSubstr("       log  there is no log of it in " + (dir_ / "log/web") + "\n"));
    write_file(dir_ / "log/web", "a file");
    EXPECT_THAT(ctl({"status", "web"}).out,
                AllOf(HasSubstr("       log  cannot "), HasSubstr("Not a directory\n")));
    serve_status({{}, {service("db", State::Stopped)}});
    EXPECT_THAT(ctl({"status", "db"}).out, Not(HasSubstr(" log  "))) << "it has never run";
}

TEST_F(StatusTest, OfAGlobIsATable) {
    serve_status({{}, {service("web", State::Running)}});
    EXPECT_THAT(ctl({"status", "w*"}).out, StartsWith("NAME"));
    EXPECT_THAT(ctl({"status", "@shop"}).out, StartsWith("NAME"));
}

TEST_F(StatusTest, AsJsonIsTheDocument) {
    serve_status(three());
    const Ran ran = ctl({"--json", "status"});
    EXPECT_EQ(ran.out, protocol::to_json(three()) + "\n");
    EXPECT_EQ(ctl({"status", "--json", "web"}).exit, 3);
}

TEST_F(StatusTest, OfAnUnknownNameExitsWith4AndTheNearest) {
    serve([](const protocol::Request& request) {
        return std::vector{
            protocol::encode_error(request.id, protocol::no_such_service("wbe", "web"))};
    });
    const Ran ran = ctl({"status", "wbe"});
    EXPECT_EQ(ran.exit, 4);
    EXPECT_EQ(ran.err, "reevectl: no service is named wbe; did you mean web?\n");
}

TEST_F(StatusTest, HintsNameTheSocketThatWasGiven) {
    serve_status(three());
    const std::string socket = dir_ / "control.sock";
    EXPECT_THAT(run_with({}, {"-s", socket, "status"}).out,
                HasSubstr("1 failed:  reevectl -s " + socket + " why worker\n"));
    serve_status(three());
    std::filesystem::create_symlink(socket, dir_ / "my sock");
    EXPECT_THAT(run_with({}, {"-s", dir_ / "my sock", "status"}).out,
                HasSubstr("1 failed:  reevectl -s '" + (dir_ / "my sock") + "' why worker\n"));
}

}  // namespace
}  // namespace reeve::ctl
