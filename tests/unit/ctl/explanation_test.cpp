#include <gmock/gmock.h>

#include "ctl/chain.h"
#include "ctl/explanation.h"
#include "ctl/protocol/timestamp.h"
#include "ctl/text.h"
#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {
namespace {

using protocol::Explanation;
using protocol::LastExit;
using protocol::Link;
using protocol::State;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const WallTime now = *protocol::parse_rfc3339("2026-11-21T01:00:00Z");

Look plain(std::size_t width = 0) { return {width, false, false, now, "reevectl"}; }

Link link(const std::string& service, State state, const std::string& cause = "",
          std::optional<Duration> ago = 3s) {
    Link made;
    made.service = service;
    made.state = state;
    made.cause = cause;
    if (ago) made.since = now - *ago;
    return made;
}

Link below(Link one, const std::string& relation) {
    one.relation = relation;
    return one;
}

std::string text_of(const Explanation& explanation, const std::map<std::string, RunLog>& logs = {},
                    const Look& look = plain()) {
    return render_explanation(explanation, logs, look);
}

TEST(Why, RunningSaysSinceWhenAndWhy) {
    const Explanation explanation{
        link("web", State::Running, "restarted after exit 1 after 2 h", 2h),
        true,
        true,
        {},
        {"shop"}};
    EXPECT_EQ(text_of(explanation),
              "web is running and ready.\n"
              "\n"
              "web: running for 2 h\n"
              "  restarted after exit 1 after 2 h\n"
              "\n"
              "required by:    shop\n"
              "\n"
              "all about it:  reevectl status web\n");
}

TEST(Why, MentionsALogThatIsNotWritten) {
    Explanation explanation{link("web", State::Running), true, true, {}, {}};
    explanation.log = protocol::LogTrouble{"No space left on device", now - 1min, true, 0, 0};
    EXPECT_THAT(text_of(explanation),
                HasSubstr("\nlog trouble:    No space left on device since " +
                          local_clock_in_seconds(now - 1min) + "; its lines wait\n"));
}

TEST(Why, RunningThatIsToStopNamesForWhomItWaits) {
    Link db = link("db", State::Running, "started at boot", 2h);
    EXPECT_THAT(text_of({db, false, true, {}, {}}), StartsWith("db is running, and about to be"));
    Link web = link("web", State::Stopping, "stopped by request");
    web.deadline = 7s;
    db.because = {below(web, "stops after")};
    EXPECT_EQ(text_of({db, false, true, {}, {"web"}}),
              "db is to stop, and first waits for web, which is stopping.\n"
              "\n"
              "db: running for 2 h\n"
              "| started at boot\n"
              "`- stops after web: stopping for 3 s\n"
              "     stopped by request\n"
              "     it is killed if it does not end within 7 s\n"
              "\n"
              "required by:    web\n"
              "\n"
              "to end it now:   reevectl kill -s KILL --tree web\n"
              "what it writes:  reevectl logs -f web\n");
}

TEST(Why, DoneIsNoTrouble) {
    EXPECT_EQ(
        text_of({link("migrate", State::Done, "exit 0 after 20 ms", 2h), false, true, {}, {}}),
        "migrate is done: it ran to its end, and well.\n"
        "\n"
        "migrate: done 2 h ago\n"
        "  exit 0 after 20 ms\n"
        "\n"
        "to run it again:  reevectl start migrate\n");
}

TEST(Why, StoppedThatWasNeverStartedSaysHowItWouldBe) {
    EXPECT_EQ(text_of({link("web", State::Stopped, "", std::nullopt), false, false, {}, {}}),
              "web is stopped.\n"
              "\n"
              "web: stopped\n"
              "  not started since reeved came up\n"
              "\n"
              "to start it:   reevectl start web\n"
              "at boot, too:  reevectl enable web\n");
}

TEST(Why, StoppedByRequestSaysHowItEnded) {
    Link web = link("web", State::Stopped, "stopped by request", 3h);
    web.last_exit = LastExit{ExitStatus::killed(SIGTERM), now - 3h, 20s};
    EXPECT_EQ(text_of({web, false, true, {}, {}}),
              "web is stopped.\n"
              "\n"
              "web: stopped 3 h ago\n"
              "  stopped by request\n"
              "  last exit: killed by SIGTERM after 20 s, 3 h ago\n"
              "\n"
              "to start it:  reevectl start web\n");
    EXPECT_THAT(text_of({web, true, true, {}, {}}), StartsWith("web is stopped, and about to be"));
}

TEST(Why, ReloadingSaysWhatComesOfAHangingReload) {
    Link web = link("web", State::Reloading, "reload command running");
    web.deadline = 57s;
    EXPECT_EQ(text_of({web, true, true, {}, {}}, {{"web", {{{"reading"}}, "", false}}}),
              "web is running, and reads its own configuration again.\n"
              "\n"
              "web: reloading for 3 s\n"
              "  reload command running\n"
              "  it goes on as it was if the reload does not end within 57 s\n"
              "  its last lines:\n"
              "    reading\n"
              "\n"
              "what it writes:  reevectl logs -f web\n");
}

TEST(Why, WaitingForOneThatIsStoppedSaysWhatToStart) {
    Link web = link("web", State::Waiting, "waits for db (stopped)");
    web.because = {below(link("db", State::Stopped, "stopped by request"), "requires")};
    EXPECT_EQ(text_of({web, true, true, {}, {}}),
              "web is waiting for db, which is stopped.\n"
              "\n"
              "web: waiting for 3 s\n"
              "`- requires db: stopped 3 s ago\n"
              "     stopped by request\n"
              "\n"
              "web starts by itself once db is ready.\n"
              "to start it:  reevectl start db\n");
}

TEST(Why, RunningThatIsUnhealthySaysSo) {
    EXPECT_THAT(text_of({link("web", State::Running, "unhealthy: HTTP 503"), true, true, {}, {}}),
                StartsWith("web is running, but unhealthy.\n"));
}

TEST(Why, WaitingForWhatConflictsSaysWhoMustBeStopped) {
    Link web = link("web", State::Waiting, "waits for sorry (running)");
    web.because = {below(link("sorry", State::Running, "started by request"), "conflicts with")};
    EXPECT_THAT(text_of({web, true, true, {}, {}}),
                EndsWith("\nweb starts once sorry is stopped.\n"
                         "to make way:  reevectl stop sorry\n"));
    web.because[0].state = State::Stopping;
    EXPECT_THAT(text_of({web, true, true, {}, {}}),
                HasSubstr("\nweb starts by itself once sorry is gone.\n"));
    web.because[0].relation = "takes the place of";
    EXPECT_THAT(text_of({web, true, true, {}, {}}),
                HasSubstr("\nweb starts by itself once sorry is gone.\n"));
    web.because[0] = below(link("sorry", State::Running), "conflicts with");
    web.because.push_back(below(link("db", State::Failed, "exit 1"), "requires"));
    EXPECT_THAT(text_of({web, true, true, {}, {}}),
                HasSubstr("\nweb starts once db is ready and sorry is stopped.\n"
                          "to make way:          reevectl stop sorry\n"
                          "once mended:          reevectl start db\n"));
}

TEST(Why, WaitingForSeveralHelpsTheWorstOffFirst) {
    Link web = link("web", State::Waiting, "waits for cache");
    web.because = {below(link("cache", State::Starting, "started for web"), "comes after"),
                   below(link("db", State::Failed, "exit 1 after 1 s"), "requires"),
                   below(link("mq", State::Failed, "exit 2 after 1 s"), "requires")};
    EXPECT_EQ(text_of({web, true, true, {}, {}}, {{"db", {{{"no space"}}, "", false}}}),
              "web is waiting for cache, db and mq.\n"
              "\n"
              "web: waiting for 3 s\n"
              "|- comes after cache: starting for 3 s\n"
              "|    started for web\n"
              "|- requires db: failed 3 s ago\n"
              "|    exit 1 after 1 s\n"
              "|    its last lines:\n"
              "|      no space\n"
              "`- requires mq: failed 3 s ago\n"
              "     exit 2 after 1 s\n"
              "\n"
              "web starts by itself once they are ready.\n"
              "once mended:          reevectl start db mq\n"
              "all that it wrote:    reevectl logs db mq\n"
              "to leave it stopped:  reevectl reset-failed db mq\n");
}

TEST(Why, WaitingForOneThatStandsElsewhereInTheTreeIsNoEnd) {
    // What two wait for is drawn once.
    Link shop = link("shop", State::Waiting, "waits for db");
    Link db = link("db", State::Backoff, "exit 1; next start in 1 s");
    db.next_start = 900ms;
    shop.because = {below(db, "requires"),
                    below(link("web", State::Waiting, "waits for db (backoff)"), "requires")};
    const Explanation explanation{shop, true, true, {}, {}};
    EXPECT_THAT(ends_of(explanation), ElementsAre(testing::Field(&Link::service, "db")));
    EXPECT_THAT(
        text_of(explanation),
        AllOf(HasSubstr("|- requires db: in backoff for 3 s\n|    exit 1\n|    next start in "
                        "900 ms\n`- requires web: waiting for 3 s\n     waits for db (backoff)\n"),
              HasSubstr("shop starts by itself once db is ready.\n"),
              HasSubstr("to try it now:      reevectl start db\n")));
}

TEST(Why, WaitingForNobodyKnownSaysWhatThereIs) {
    EXPECT_EQ(text_of({link("web", State::Waiting, "waits for its turn"), true, true, {}, {}}),
              "web waits for another service, and starts by itself after it.\n"
              "\n"
              "web: waiting for 3 s\n"
              "  waits for its turn\n"
              "\n"
              "all about it:  reevectl status web\n");
}

TEST(Why, WhatIsOverdueIsDueNow) {
    Link web = link("web", State::Starting);
    web.deadline = 0s;
    EXPECT_THAT(text_of({web, true, true, {}, {}}),
                HasSubstr("it fails if it is not ready at once\n"));
    Link db = link("db", State::Backoff, "exit 1");
    db.next_start = -1s;
    EXPECT_THAT(text_of({db, true, true, {}, {}}), HasSubstr("next start at any moment\n"));
}

TEST(Why, NamesTheLastExitOnlyWhereTheCauseDoesNot) {
    Link web = link("web", State::Starting, "not ready yet: Connection refused");
    web.last_exit = LastExit{ExitStatus::killed(SIGSEGV, true), now - 4s, 2min};
    EXPECT_THAT(text_of({web, true, true, {}, {}}),
                HasSubstr("  last exit: killed by SIGSEGV (core dumped) after 2 min, 4 s ago\n"));
    web.cause = "restarted after killed by SIGSEGV (core dumped) after 2 min";
    EXPECT_THAT(text_of({web, true, true, {}, {}}), Not(HasSubstr("last exit")));
}

TEST(Why, SaysWhyThereAreNoLines) {
    const Link web = link("web", State::Failed, "exit 1");
    const auto with = [&](const RunLog& log) {
        return text_of({web, false, true, {}, {}}, {{"web", log}});
    };
    EXPECT_THAT(with({std::vector<std::string>(), "it wrote nothing", false}),
                HasSubstr("  exit 1\n  it wrote nothing\n"));
    EXPECT_THAT(with({std::nullopt, "there is no log of it in /x", true}),
                AllOf(HasSubstr("  exit 1\n  there is no log of it in /x\n"),
                      HasSubstr("its definition:        reevectl cat web\n"),
                      Not(HasSubstr("reevectl logs"))));
}

TEST(Why, TellsTheLinesOfTheRunThatMatters) {
    const LastExit exit{ExitStatus::exited(1), now - 10s, 2s};
    Link web = link("web", State::Failed, "exit 1 after 2 s");
    EXPECT_FALSE(telling_run(web));
    web.last_exit = exit;
    ASSERT_TRUE(telling_run(web));
    EXPECT_EQ(telling_run(web)->from, now - 12s);
    EXPECT_EQ(telling_run(web)->to, now - 10s);
    web.cause = "cannot start: exec /x: No such file or directory";
    EXPECT_FALSE(telling_run(web)) << "that exit is of an earlier run";
    web.cause = "pre_start failed: check: exit 1";
    ASSERT_TRUE(telling_run(web));
    EXPECT_EQ(telling_run(web)->from, now - 10s);
    EXPECT_EQ(telling_run(web)->to, web.since);
    EXPECT_TRUE(telling_run(web)->before_main);
    web.cause = "not ready within 1 min";
    web.last_exit.reset();
    ASSERT_TRUE(telling_run(web));
    EXPECT_TRUE(telling_run(web)->before_main);
    web = link("web", State::Starting);
    EXPECT_EQ(telling_run(web)->from, web.since);
    EXPECT_EQ(telling_run(web)->to, std::nullopt);
    web.state = State::Stopping;
    web.last_exit = exit;
    EXPECT_EQ(telling_run(web)->from, now - 10s) << "what came before is of the run before";
    web.state = State::Reloading;
    EXPECT_EQ(telling_run(web)->from, web.since);
    EXPECT_FALSE(telling_run(link("web", State::Running)));
}

TEST(Why, CountsThoseWhomItDoesNotName) {
    std::vector<std::string> many;
    for (int i = 0; i < 300; ++i) many.push_back("s" + std::to_string(i));
    const Explanation explanation{
        link("db", State::Failed, "exit 1"), false, true, many, {"a", "b"}};
    EXPECT_THAT(text_of(explanation, {}, plain(60)),
                HasSubstr("\nwaiting for it: s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 and\n"
                          "                290 more\n"
                          "required by:    a and b\n"));
    Link web = link("web", State::Waiting);
    for (const std::string& name : many) {
        web.because.push_back(below(link(name, State::Failed, "exit 1"), "requires"));
    }
    const std::string text = text_of({web, true, true, {}, {}});
    EXPECT_THAT(text,
                AllOf(StartsWith("web is waiting for s0, s1, s2, s3 and 296 more.\n"),
                      HasSubstr("|- requires s7: failed 3 s ago\n|    exit 1\n`- and 292 more\n"),
                      HasSubstr("reevectl start s0 s1 s2 s3\n"), Not(HasSubstr("s8"))));
}

Explanation chain_of(int length) {
    Link at = link("db", State::Failed, "exit 1");
    for (int i = length; i-- > 0;) {
        Link above = link("s" + std::to_string(i), State::Waiting);
        above.because = {below(at, "requires")};
        at = above;
    }
    return {at, true, true, {}, {}};
}

TEST(Why, ShortensALongChainButShowsItsEnd) {
    EXPECT_THAT(
        text_of(chain_of(4)),
        StartsWith("s0 is waiting for s1, which is waiting for s2, which is waiting for s3, "
                   "and in the end for db, which has failed.\n"));
    const std::string text = text_of(chain_of(50));
    EXPECT_THAT(text,
                AllOf(HasSubstr("requires s8: waiting for 3 s\n"), Not(HasSubstr("s9")),
                      HasSubstr("| 41 more in between\n"), HasSubstr("`- requires db: failed"),
                      HasSubstr("     exit 1\n"), HasSubstr("reevectl start db\n")));
    EXPECT_THAT(text_of(chain_of(10)), HasSubstr("| 1 more in between\n"));
    EXPECT_THAT(text_of(chain_of(9)), Not(HasSubstr("in between")));
}

TEST(Why, OfBranchesWithoutEndIsCutOff) {
    Link at = link("end", State::Failed, "exit 1");
    for (int i = 60; i-- > 0;) {
        Link above = link("s" + std::to_string(i), State::Waiting);
        above.because = {below(at, "requires"), below(link("other", State::Failed), "requires")};
        at = above;
    }
    const std::string text = text_of({at, true, true, {}, {}});
    EXPECT_THAT(text,
                AllOf(HasSubstr("requires s40"), HasSubstr("and so on\n"), Not(HasSubstr("s41"))));
}

std::size_t widest_of(const std::string& text) {
    std::size_t widest = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        widest = std::max(widest, columns(std::string_view(text).substr(at, end - at)));
        at = end + 1;
    }
    return widest;
}

TEST(Why, FitsTheTerminal) {
    Explanation explanation = chain_of(40);
    explanation.link.because[0].because.push_back(
        below(link("cache", State::Failed, std::string(300, 'x') + " " + std::string(300, 'y')),
              "wants"));
    explanation.waiting = explanation.dependents = std::vector<std::string>(40, "somebody");
    const RunLog log{{{std::string(400, 'z'), "short"}}, "", false};
    for (const std::size_t width : {40u, 80u, 120u}) {
        for (const bool unicode : {false, true}) {
            Look look = plain(width);
            look.unicode = unicode;
            const std::string text = text_of(explanation, {{"db", log}, {"cache", log}}, look);
            EXPECT_LE(widest_of(text), width) << text;
            EXPECT_THAT(text, HasSubstr(unicode ? "\xe2\x80\xa6\n" : "...\n")) << "cut at last";
        }
    }
    EXPECT_THAT(
        text_of(explanation, {{"db", log}, {"cache", log}}),
        AllOf(HasSubstr(std::string(400, 'z') + "\n"), HasSubstr(std::string(300, 'y') + "\n")))
        << "nothing is cut where there is no terminal";
}

TEST(Why, ColoursOnlyWhenAskedTo) {
    Look look = plain(80);
    EXPECT_THAT(text_of(chain_of(1), {}, look), Not(HasSubstr("\x1b")));
    look.colour = true;
    EXPECT_THAT(text_of(chain_of(1), {}, look), HasSubstr("db: \x1b[31mfailed 3 s ago\x1b[0m\n"));
}

TEST(Why, MakesWhatOthersSayHarmless) {
    Link web = link("web\x1b[2J", State::Waiting, "\x1b]0;x\x07");
    web.because = {below(link("d\nb", State::Failed, "exit\r1\x9b"), "re\x1bquires")};
    const Explanation explanation{web, true, true, {"a\tb"}, {"\xe2\x80\xae"}};
    const std::string text =
        text_of(explanation, {{"d\nb", {{{"\x1b[31mred\x1b[0m\x1b[2J\x07\tx"}}, "", false}}});
    EXPECT_THAT(text, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\r")), Not(HasSubstr("\x07")),
                            Not(HasSubstr("\xe2\x80\xae")), HasSubstr("red\\e[2J\\x07 x\n"),
                            HasSubstr("a\\tb")));
    EXPECT_THAT(summary_of(explanation), Not(HasSubstr("\x1b")));
}

TEST(Why, SummaryNamesWhatIsDue) {
    Link db = link("db", State::Backoff, "exit 1");
    db.next_start = 800ms;
    EXPECT_EQ(summary_of({db, true, true, {}, {}}),
              "db is in backoff: it failed, and is tried again by itself; next start in 800 ms.");
    EXPECT_EQ(summary_of(chain_of(1)), "s0 is waiting for db, which has failed.");
}

}  // namespace
}  // namespace reeve::ctl
