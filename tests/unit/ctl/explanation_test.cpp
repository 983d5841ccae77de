#include "ctl/explanation.h"

#include <gmock/gmock.h>

#include "ctl/text.h"
#include "tests/unit/ctl/explanation_samples.h"
#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {
namespace {

using protocol::Explanation;
using protocol::LastExit;
using protocol::Link;
using protocol::State;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

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

TEST(Why, RunningThatIsUnhealthySaysSo) {
    EXPECT_THAT(text_of({link("web", State::Running, "unhealthy: HTTP 503"), true, true, {}, {}}),
                StartsWith("web is running, but unhealthy.\n"));
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
