#include <gmock/gmock.h>

#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {
namespace {

using config::Literal;
using protocol::Applied;
using protocol::ConfigurationDiff;
using protocol::ErrorCode;
using protocol::State;
using protocol::Step;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using Effect = protocol::DefinitionChange::Effect;

Literal text(std::string value) { return {std::move(value)}; }

/// diff and apply.
class ApplyTest : public CtlTest {
  protected:
    ConfigurationDiff changes() {
        ConfigurationDiff diff;
        const Literal before{Literal::List{text("nginx")}};
        const Literal after{Literal::List{text("nginx"), text("-g")}};
        diff.services = {
            {"cache", Effect::Added, {}},
            {"db", Effect::Live, {{"description", text("old"), text("new")}}},
            {"old", Effect::Removed, {}},
            {"spare", Effect::Added, {}},
            {"web", Effect::Restart, {{"command", before, after}, {"umask", {}, text("027")}}},
        };
        diff.supervisor = {{"log.level", {}, text("debug")}, {"socket.mode", {}, text("0660")}};
        diff.not_live = {"socket.mode"};
        diff.steps = {{"old", Step::Kind::Stop, "no longer configured"},
                      {"web", Step::Kind::Stop, "command changed"},
                      {"old", Step::Kind::Remove, ""},
                      {"cache", Step::Kind::Start, "enabled"},
                      {"web", Step::Kind::Start, ""}};
        return diff;
    }

    ConfigurationDiff not_valid() {
        ConfigurationDiff diff;
        diff.valid = false;
        diff.problems = {{config::Severity::Error,
                          {"reeve.yaml", 3, 5},
                          "services.web.comand",
                          "unknown key",
                          "did you mean command?"}};
        return diff;
    }
};

TEST_F(ApplyTest, DiffShowsWhatWouldChangeAndThenWhatWouldHappen) {
    serve_result(changes());
    const Ran ran = ctl({"diff"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.err, "");
    asked<protocol::DiffQuery>();
    EXPECT_EQ(ran.out, R"(+ cache  added and started
~ db  live: description
    description
      - old
      + new
- old  stopped and removed
+ spare  added, not started
~ web  restart: command, umask
    command
      - [nginx]
      + [nginx, -g]
    umask
      - (not set)
      + "027"
~ supervisor  live: log.level
    log.level
      - (not set)
      + debug
~ supervisor  from the next start of reeved: socket.mode
    socket.mode
      - (not set)
      + "0660"

would be done, in order:
  1. stop old: no longer configured
  2. stop web: command changed
  3. remove old
  4. start cache: enabled
  5. start web
)");
    EXPECT_EQ(ctl({"diff", "--quiet"}).out, "");
}

TEST_F(ApplyTest, DiffOfAServiceThatDoesNotRunIsFromItsNextStart) {
    ConfigurationDiff diff = changes();
    diff.steps.clear();
    serve_result(diff);
    EXPECT_THAT(ctl({"diff"}).out, AllOf(HasSubstr("~ web  from its next start: command, umask\n"),
                                         HasSubstr("- old  removed\n"),
                                         HasSubstr("nothing would be done to any service\n")));
}

TEST_F(ApplyTest, DiffOfTheSameSaysSo) {
    serve_result(ConfigurationDiff{});
    const Ran ran = ctl({"diff"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, "no changes\n");
}

TEST_F(ApplyTest, DiffOfAConfigurationThatIsNotValidExitsWith1) {
    serve_result(not_valid());
    const Ran ran = ctl({"diff"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err,
              "reeve.yaml:3:5: error: services.web.comand: unknown key; did you mean command?\n"
              "reevectl: the configuration is not valid\n");
    const Ran json = ctl({"diff", "--json"});
    EXPECT_EQ(json.exit, 1);
    EXPECT_THAT(json.out, StartsWith(R"({"valid":false,"problems":[{"severity":"error",)"));
    EXPECT_EQ(json.err, "reevectl: the configuration is not valid\n");
}

TEST_F(ApplyTest, WarningsAreSaidAndNoReasonToFail) {
    ConfigurationDiff diff;
    diff.problems = {{config::Severity::Warning, {"reeve.yaml", 3, 5}, "", "no services", ""}};
    serve_result(diff);
    const Ran ran = ctl({"diff", "--quiet"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_THAT(ran.err, StartsWith("reeve.yaml:3:5: warning: "));
}

TEST_F(ApplyTest, DiffAsJsonIsTheDocumentOfTheProtocol) {
    serve_result(changes());
    EXPECT_EQ(ctl({"diff", "--json"}).out, protocol::to_json(changes()) + "\n");
}

TEST_F(ApplyTest, DryRunOfApplyIsTheDiff) {
    serve_result(changes());
    const std::string diff = ctl({"diff"}).out;
    serve_result(changes());
    EXPECT_EQ(ctl({"apply", "--dry-run"}).out, diff);
    asked<protocol::DiffQuery>();
}

TEST_F(ApplyTest, ApplySaysWhatHasBecomeOfEach) {
    Applied applied;
    applied.diff = changes();
    applied.diff.steps.clear();
    applied.outcome = {{{"cache", {}, State::Running, "ready", 13, true},
                        {"db", {}, State::Running, "ready", 2, true},
                        {"old", {}, State::Stopped, "", {}, true},
                        {"spare", {}, State::Stopped, "", {}, true},
                        {"web", {}, State::Running, "ready", 12, true}},
                       {"shop"}};
    serve_result(applied);
    const Ran ran = ctl({"apply", "--timeout", "30s"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.err, "");
    EXPECT_EQ(asked<protocol::Apply>(), (protocol::Apply{true, 30s}));
    EXPECT_EQ(ran.out, R"(+ cache  added and started (pid 13)
~ db  changed live: description
- old  removed
+ spare  added, not started
~ web  restarted (pid 12): command, umask
~ supervisor  changed live: log.level
~ supervisor  changes with the next start of reeved: socket.mode
~ shop  stopped or started on their account
)");
    EXPECT_EQ(ctl({"apply", "--quiet"}).out, "");
    EXPECT_EQ(ctl({"apply", "--json"}).out, protocol::to_json(applied) + "\n");
}

TEST_F(ApplyTest, ApplyThatIsUnderWaySaysWhatIsBeingDone) {
    Applied applied;
    applied.diff = changes();
    applied.diff.supervisor.clear();
    applied.outcome = {{{"cache", {}, State::Starting, "", 13, true},
                        {"db", {}, State::Running, "ready", 2, true},
                        {"old", {}, State::Stopping, "", 3, true},
                        {"spare", {}, State::Stopped, "", {}, true},
                        {"web", {}, State::Stopping, "", 12, true}},
                       {}};
    serve_result(applied);
    const Ran ran = ctl({"apply", "--no-wait"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(asked<protocol::Apply>(), (protocol::Apply{false, {}}));
    EXPECT_THAT(ran.out,
                AllOf(HasSubstr("+ cache  added, is starting\n"), HasSubstr("- old  is stopping\n"),
                      HasSubstr("~ web  is stopping: command, umask\n")));
}

TEST_F(ApplyTest, ApplyOfADefinitionThatIsNotInUseIsFromItsNextStart) {
    Applied applied;
    applied.diff.services = {{"job", Effect::Restart, {{"command", {}, text("true")}}},
                             {"web", Effect::Restart, {{"umask", {}, text("027")}}}};
    applied.outcome = {
        {{"job", {}, State::Done, "exit 0", {}, false}, {"web", {}, State::Stopped, "", {}, true}},
        {}};
    serve_result(applied);
    EXPECT_EQ(ctl({"apply"}).out,
              "~ job  changed from its next start: command\n"
              "~ web  changed from its next start: umask\n");
}

TEST_F(ApplyTest, ApplyExitsWith1WhenAServiceFailsAndWith7WhenOneIsLate) {
    Applied applied;
    applied.diff.services = {{"cache", Effect::Added, {}}, {"web", Effect::Restart, {}}};
    applied.outcome = {{{"cache", ErrorCode::TimedOut, State::Starting, "", 13, true},
                        {"web", ErrorCode::Failed, State::Failed, "exit 1", {}, true}},
                       {}};
    serve_result(applied);
    const Ran ran = ctl({"apply"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, AllOf(StartsWith("reevectl: gave up waiting for cache, which is starting"),
                               HasSubstr("reevectl: cannot restart web: exit 1\n")));
    applied.outcome.results.pop_back();
    serve_result(applied);
    EXPECT_EQ(ctl({"apply"}).exit, 7);
}

TEST_F(ApplyTest, ApplyOfAConfigurationThatIsNotValidSaysThatNothingHasChanged) {
    serve_result(Applied{not_valid(), {}});
    const Ran ran = ctl({"apply"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, AllOf(HasSubstr("reeve.yaml:3:5: error: "),
                               HasSubstr("not valid; nothing has been changed\n")));
}

TEST_F(ApplyTest, ApplyTakesNoNames) {
    const Ran ran = ctl({"apply", "web"});
    EXPECT_EQ(ran.exit, 2);
    EXPECT_EQ(ran.err, "reevectl: apply takes no names: web\n");
}

}  // namespace
}  // namespace reeve::ctl
