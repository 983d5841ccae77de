#include "ctl/table.h"

#include <gmock/gmock.h>

#include "ctl/text.h"
#include "tests/unit/ctl/status_samples.h"

namespace reeve::ctl {
namespace {

using protocol::ServiceStatus;
using protocol::State;
using protocol::StatusDocument;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

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

TEST(Table, MakesWhatServicesSayHarmless) {
    const std::string table = render_table({{}, {evil()}}, plain());
    EXPECT_THAT(table, AllOf(HasSubstr("\\e]0;owned\\x07 exit 1\\nfake"), Not(HasSubstr("\x1b"))));
}

}  // namespace
}  // namespace reeve::ctl
