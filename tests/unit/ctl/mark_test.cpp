#include <gmock/gmock.h>

#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {
namespace {

using protocol::ErrorCode;
using protocol::State;
using testing::HasSubstr;
using testing::StartsWith;

/// kill, reset-failed, enable and disable.
using MarkTest = CtlTest;

TEST_F(MarkTest, KillSaysWhichSignalWentWhere) {
    serve_outcome({{{"web", {}, State::Running, "ready", 123, true}}, {}});
    const Ran ran = ctl({"kill", "-s", "HUP", "web"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, "web: sent SIGHUP to its main process (pid 123)\n");
    EXPECT_EQ(ran.err, "");
    EXPECT_EQ(asked<protocol::Kill>(), (protocol::Kill{{"web"}, SIGHUP, false}));
    EXPECT_EQ(ctl({"kill", "-q", "web"}).out, "");
    EXPECT_THAT(ctl({"kill", "web", "--json"}).out, StartsWith(R"({"results":[{"service":"web")"));
}

TEST_F(MarkTest, KillSendsTermUnlessSaidAndToTheTreeWhenAsked) {
    serve_outcome({{{"web", {}, State::Running, "ready", 123, true}}, {}});
    EXPECT_EQ(ctl({"kill", "--tree", "--all"}).out,
              "web: sent SIGTERM to all its processes (main pid 123)\n");
    EXPECT_EQ(asked<protocol::Kill>(), (protocol::Kill{{"*"}, SIGTERM, true}));
}

TEST_F(MarkTest, KillTakesSignalsByNameAndNumber) {
    serve_outcome({});
    for (const char* text : {"USR1", "SIGUSR1", "10"}) {
        EXPECT_EQ(ctl({"kill", "--signal", text, "web"}).exit, 0);
        EXPECT_EQ(std::get<protocol::Kill>(supervisor_->requests().back().call).signal, SIGUSR1);
    }
    const Ran wrong = ctl({"kill", "-s", "HPU", "web"});
    EXPECT_EQ(wrong.exit, 2);
    EXPECT_THAT(wrong.err, StartsWith("reevectl: -s: "));
}

TEST_F(MarkTest, KillOfAServiceWithoutAProcessExitsWith3) {
    serve_outcome({{{"job", ErrorCode::NotRunning, State::Done, "", {}, false},
                    {"web", ErrorCode::NotRunning, State::Stopped, "it has no process", {}, false}},
                   {}});
    const Ran ran = ctl({"kill", "web"});
    EXPECT_EQ(ran.exit, 3);
    EXPECT_EQ(ran.err,
              "reevectl: cannot kill job: it is done\n"
              "reevectl: cannot kill web: it has no process\n");
}

TEST_F(MarkTest, ResetFailedSaysWhatIsSoNow) {
    serve_outcome({{{"db", {}, State::Running, "ready", 3, false},
                    {"job", {}, State::Backoff, "", {}, true},
                    {"web", {}, State::Stopped, "", {}, true}},
                   {}});
    const Ran ran = ctl({"reset-failed", "--all"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out,
              "db has not failed: it is running\n"
              "job is in backoff, and its failures are forgotten\n"
              "web is stopped, and its failures are forgotten\n");
    EXPECT_EQ(asked<protocol::ResetFailed>(), (protocol::ResetFailed{{"*"}}));
}

TEST_F(MarkTest, EnableSaysWhatItMeansAndHowToStart) {
    serve_outcome({{{"a", {}, State::Running, "ready", 3, true},
                    {"b", {}, State::Stopped, "", {}, true},
                    {"c", {}, State::Running, "ready", 4, false}},
                   {}});
    const Ran ran = ctl({"enable", "a", "b", "c"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out,
              "a enabled; it is started at boot\n"
              "b enabled; it is started at boot (not started now: reevectl start b)\n"
              "c is enabled already; it is started at boot\n");
    EXPECT_EQ(asked<protocol::Enable>(), (protocol::Enable{{"a", "b", "c"}, true}));
}

TEST_F(MarkTest, DisableSaysThatTheServiceRunsOn) {
    serve_outcome(
        {{{"a", {}, State::Backoff, "", {}, true}, {"b", {}, State::Failed, "", {}, true}}, {}});
    const Ran ran = ctl({"-s", dir_ / "control.sock", "disable", "a", "b"});
    EXPECT_EQ(ran.out, "a disabled; it is not started at boot (not stopped now: reevectl -s " +
                           (dir_ / "control.sock") +
                           " stop a)\n"
                           "b disabled; it is not started at boot\n");
    EXPECT_EQ(asked<protocol::Enable>(), (protocol::Enable{{"a", "b"}, false}));
}

TEST_F(MarkTest, EnableNowStartsAsWell) {
    serve_outcome({{{"a", {}, State::Running, "ready", 3, true}}, {}});
    const Ran ran = ctl({"enable", "--now", "--timeout", "5s", "a"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, "a enabled; it is started at boot\na started (pid 3)\n");
    const auto requests = supervisor_->requests();
    ASSERT_EQ(requests.size(), 3u);
    EXPECT_EQ(std::get<protocol::Enable>(requests[1].call), (protocol::Enable{{"a"}, true}));
    EXPECT_EQ(std::get<protocol::Command>(requests[2].call),
              (protocol::Command{protocol::Verb::Start, {"a"}, true, 5s}));
    EXPECT_EQ(ctl({"disable", "--now", "--no-wait", "a"}).exit, 0);
    EXPECT_EQ(std::get<protocol::Command>(supervisor_->requests().back().call),
              (protocol::Command{protocol::Verb::Stop, {"a"}, false, {}}));
}

TEST_F(MarkTest, EnableNowAsJsonIsOneDocumentOfBoth) {
    const protocol::Outcome enabled{{{"a", {}, State::Stopped, "", {}, true}}, {}};
    const protocol::Outcome started{{{"a", ErrorCode::Failed, State::Failed, "exit 1", {}, true}},
                                    {}};
    serve([&](const protocol::Request& request) {
        const bool first = std::holds_alternative<protocol::Enable>(request.call);
        return std::vector{protocol::encode_result(request.id, first ? enabled : started)};
    });
    const Ran ran = ctl({"enable", "--now", "a", "--json"});
    EXPECT_EQ(ran.exit, 1);
    std::string first = protocol::to_json(enabled);
    first.pop_back();
    EXPECT_EQ(ran.out, first + ",\"now\":" + protocol::to_json(started) + "}\n");
    EXPECT_THAT(ran.err, StartsWith("reevectl: cannot start a: exit 1\n"));
    EXPECT_EQ(ctl({"enable", "a", "--json"}).out, protocol::to_json(enabled) + "\n");
    serve_outcome(started);
    first = protocol::to_json(started);
    first.pop_back();
    EXPECT_EQ(ctl({"enable", "--now", "a", "--json"}).out, first + ",\"now\":null}\n");
    asked<protocol::Enable>();
}

TEST_F(MarkTest, WhatCannotBeEnabledIsNotStartedEither) {
    serve_outcome(
        {{{"a", ErrorCode::Failed, State::Stopped, "/var/lib/reeve: read-only", {}, false}}, {}});
    const Ran ran = ctl({"enable", "--now", "a"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_EQ(ran.err, "reevectl: cannot enable a: /var/lib/reeve: read-only\n");
    asked<protocol::Enable>();
}

TEST_F(MarkTest, WaitingIsAboutNow) {
    const Ran ran = ctl({"enable", "--no-wait", "a"});
    EXPECT_EQ(ran.exit, 2);
    EXPECT_EQ(ran.err, "reevectl: --no-wait and --timeout need --now\n");
}

TEST_F(MarkTest, UnknownNameExitsWith4) {
    serve_failure(protocol::no_such_service("wbe", "web"));
    for (const char* verb : {"kill", "reset-failed", "enable", "disable"}) {
        const Ran ran = ctl({verb, "wbe"});
        EXPECT_EQ(ran.exit, 4);
        EXPECT_THAT(ran.err, HasSubstr("web"));
    }
}

}  // namespace
}  // namespace reeve::ctl
