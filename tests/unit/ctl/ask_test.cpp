#include <gmock/gmock.h>

#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {
namespace {

using protocol::ErrorCode;
using protocol::State;
using protocol::Until;
using testing::HasSubstr;
using testing::StartsWith;

/// The is-verbs and wait.
using AskTest = CtlTest;

TEST_F(AskTest, IsActiveExitsWith0WhenAnyRuns) {
    serve_status({{}, {service("a", State::Stopped), service("b", State::Reloading)}});
    const Ran ran = ctl({"is-active", "a", "b"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, "stopped\nreloading\n");
    EXPECT_EQ(ran.err, "");
    EXPECT_EQ(asked<protocol::StatusQuery>(), (protocol::StatusQuery{{"a", "b"}, false, false}));
    const Ran quiet = ctl({"is-active", "--quiet", "a", "b"});
    EXPECT_EQ(quiet.exit, 0);
    EXPECT_EQ(quiet.out, "");
    serve_status({{}, {service("a", State::Done), service("b", State::Starting)}});
    EXPECT_EQ(ctl({"is-active", "a", "b"}).exit, 3);
}

TEST_F(AskTest, WordsComeInTheOrderOfTheNames) {
    auto c = service("c", State::Failed);
    c.groups = {"shop"};
    serve_status({{},
                  {service("a1", State::Running), service("a2", State::Done),
                   service("b", State::Stopped), c}});
    EXPECT_EQ(ctl({"is-active", "b", "@shop", "a*", "b"}).out, "stopped\nfailed\nrunning\ndone\n");
}

TEST_F(AskTest, IsReadyIsAboutReadiness) {
    auto starting = service("a", State::Starting);
    serve_status({{}, {starting}});
    const Ran ran = ctl({"is-ready", "a"});
    EXPECT_EQ(ran.exit, 3);
    EXPECT_EQ(ran.out, "not-ready\n");
    auto done = service("a", State::Done);
    done.ready = true;
    serve_status({{}, {done}});
    EXPECT_EQ(ctl({"is-ready", "a"}).exit, 0);
    EXPECT_EQ(ctl({"is-ready", "a"}).out, "ready\n");
}

TEST_F(AskTest, IsFailedExitsWith0WhenAnyHasFailed) {
    serve_status({{}, {service("a", State::Failed), service("b", State::Backoff)}});
    EXPECT_EQ(ctl({"is-failed", "a", "b"}).exit, 0);
    EXPECT_EQ(ctl({"is-failed", "a", "b"}).out, "failed\nbackoff\n");
    serve_status({{}, {service("b", State::Backoff)}});
    EXPECT_EQ(ctl({"is-failed", "b"}).exit, 3);
}

TEST_F(AskTest, IsEnabledIsAboutTheBoot) {
    auto off = service("a", State::Running);
    off.enabled = false;
    serve_status({{}, {off}});
    EXPECT_EQ(ctl({"is-enabled", "a"}).exit, 3);
    EXPECT_EQ(ctl({"is-enabled", "a"}).out, "disabled\n");
    serve_status({{}, {service("a", State::Stopped)}});
    EXPECT_EQ(ctl({"is-enabled", "a"}).exit, 0);
    EXPECT_EQ(ctl({"is-enabled", "a"}).out, "enabled\n");
}

TEST_F(AskTest, AnswersAreADocumentAsJson) {
    serve_status({{}, {service("a", State::Stopped), service("b", State::Running)}});
    const Ran ran = ctl({"is-active", "b", "a", "--json"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, R"({"answer":true,"services":[{"name":"b","answer":true,"word":"running"},)"
                       R"({"name":"a","answer":false,"word":"stopped"}]})"
                       "\n");
}

TEST_F(AskTest, UnknownNameExitsWith4AndMissingSupervisorWith6) {
    for (const char* verb : {"is-active", "is-ready", "is-failed", "is-enabled", "wait"}) {
        EXPECT_EQ(ctl({verb, "wbe"}).exit, 6);
    }
    serve_failure(protocol::no_such_service("wbe", "web"));
    for (const char* verb : {"is-active", "is-ready", "is-failed", "is-enabled", "wait"}) {
        const Ran ran = ctl({verb, "wbe"});
        EXPECT_EQ(ran.exit, 4);
        EXPECT_EQ(ran.out, "");
        EXPECT_THAT(ran.err, HasSubstr("web"));
    }
}

TEST_F(AskTest, WaitIsForReadinessUnlessSaid) {
    serve_outcome({{{"job", {}, State::Done, "exit 0 after 2 s", {}, false},
                    {"web", {}, State::Running, "ready", 12, false}},
                   {}});
    const Ran ran = ctl({"wait", "job", "web"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, "job is ready (exit 0 after 2 s)\nweb is ready (pid 12)\n");
    EXPECT_EQ(asked<protocol::WaitFor>(), (protocol::WaitFor{{"job", "web"}, Until::Ready, {}}));
    EXPECT_EQ(ctl({"wait", "job", "web", "--quiet"}).out, "");
    EXPECT_THAT(ctl({"wait", "job", "web", "--json"}).out, StartsWith(R"({"results":[)"));
}

TEST_F(AskTest, WaitIsForWhateverIsAskedFor) {
    serve_outcome({{{"web", {}, State::Failed, "exit 1", {}, false}}, {}});
    const std::vector<std::tuple<std::string, Until, std::string>> cases = {
        {"ready", Until::Ready, "web is ready (exit 1)\n"},
        {"stopped", Until::Stopped, "web is down: it has failed (exit 1)\n"},
        {"failed", Until::Failed, "web has failed (exit 1)\n"},
        {"done", Until::Done, "web is done (exit 1)\n"}};
    for (const auto& [word, until, said] : cases) {
        EXPECT_EQ(ctl({"wait", "--for", word, "--timeout", "2m", "web"}).out, said);
        EXPECT_EQ(std::get<protocol::WaitFor>(supervisor_->requests().back().call),
                  (protocol::WaitFor{{"web"}, until, 120s}));
    }
    const Ran wrong = ctl({"wait", "--for", "luck", "web"});
    EXPECT_EQ(wrong.exit, 2);
    EXPECT_EQ(wrong.err, "reevectl: --for: it is ready, stopped, failed or done, not luck\n");
}

TEST_F(AskTest, WaitForWhatCannotComeExitsWith1AndSaysWhy) {
    serve_outcome({{{"web", ErrorCode::Failed, State::Failed, "exit 1, 5th time", {}, false}}, {}});
    const Ran ran = ctl({"wait", "web"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_EQ(ran.err,
              "reevectl: web will not become ready, as it has failed: exit 1, 5th time\n"
              "  look at: reevectl why web, reevectl logs web\n");
}

TEST_F(AskTest, WaitThatTakesTooLongExitsWith7) {
    serve_outcome({{{"web", ErrorCode::TimedOut, State::Starting, "", 5, false}}, {}});
    const Ran ran = ctl({"wait", "web", "--timeout", "1s"});
    EXPECT_EQ(ran.exit, 7);
    EXPECT_THAT(ran.err,
                StartsWith("reevectl: gave up waiting for web, which is starting still\n"));
}

}  // namespace
}  // namespace reeve::ctl
