#include "ctl/card.h"

#include <gmock/gmock.h>

#include "ctl/text.h"
#include "tests/unit/ctl/status_samples.h"

namespace reeve::ctl {
namespace {

using protocol::ServiceStatus;
using protocol::State;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

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

}  // namespace
}  // namespace reeve::ctl
