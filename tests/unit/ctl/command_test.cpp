#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>

#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {
namespace {

using protocol::ErrorCode;
using protocol::Outcome;
using protocol::State;
using protocol::Verb;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

using CommandTest = CtlTest;

TEST_F(CommandTest, StartSaysWhatBecameOfEach) {
    serve_outcome({{{"db", {}, State::Running, "ready", 11, true},
                    {"init", {}, State::Done, "exit 0 after 2 ms", {}, true},
                    {"web", {}, State::Running, "ready", 12, false}},
                   {}});
    const Ran ran = ctl({"start", "db", "init", "web"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out,
              "db started (pid 11)\ninit started (exit 0 after 2 ms)\n"
              "web is running already (pid 12)\n");
    EXPECT_EQ(ran.err, "");
}

TEST_F(CommandTest, SendsWhatTheArgumentsSay) {
    serve_outcome({});
    ctl({"stop", "--timeout", "1m30s", "web*", "@shop"});
    ctl({"restart", "--all", "--no-wait"});
    const auto requests = supervisor_->requests();
    ASSERT_EQ(requests.size(), 4u);
    EXPECT_EQ(std::get<protocol::Command>(requests[1].call),
              (protocol::Command{Verb::Stop, {"web*", "@shop"}, true, 90s}));
    EXPECT_EQ(std::get<protocol::Command>(requests[3].call),
              (protocol::Command{Verb::Restart, {"*"}, false, std::nullopt}));
}

TEST_F(CommandTest, FailureNamesTheCauseAndWhatToLookAt) {
    serve_outcome(
        {{{"db", {}, State::Running, "ready", 11, true},
          {"web", ErrorCode::Failed, State::Failed, "exec /srv/web: No such file", {}, true}},
         {}});
    const Ran ran = ctl({"start", "db", "web"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_EQ(ran.out, "db started (pid 11)\n");
    EXPECT_THAT(ran.err, StartsWith("reevectl: cannot start web: exec /srv/web: No such file\n"));
    EXPECT_THAT(ran.err, HasSubstr("reevectl logs web"));
    EXPECT_EQ(ctl({"start", "db", "web", "--json"}).err, ran.err);
}

TEST_F(CommandTest, WhatCannotBeStartedIsSaidOnceAndNotLookedForInALog) {
    serve_outcome({{{"nope",
                     ErrorCode::Failed,
                     State::Failed,
                     "cannot start: exec /nope: No such file or directory",
                     {},
                     true}},
                   {}});
    EXPECT_EQ(ctl({"start", "nope"}).err,
              "reevectl: cannot start nope: exec /nope: No such file or directory\n"
              "  look at: reevectl why nope, reevectl cat nope\n");
    serve_outcome(
        {{{"web", ErrorCode::Failed, State::Failed, "cannot start: exec", {}, true}}, {}});
    EXPECT_THAT(ctl({"reload", "web"}).err, HasSubstr("cannot reload web: cannot start: exec\n"));
}

TEST_F(CommandTest, StopOfWhatIsDownAnywayDoesNotCallItStopped) {
    serve_outcome({{{"bad", {}, State::Failed, "exit 1 after 2 ms", {}, false},
                    {"job", {}, State::Done, "exit 0 after 2 ms", {}, false}},
                   {}});
    EXPECT_EQ(ctl({"stop", "bad", "job"}).out,
              "bad is down already (failed)\njob is down already (done)\n");
}

TEST_F(CommandTest, ExitStatusIsTheOneOfTheContract) {
    const std::vector<std::pair<ErrorCode, int>> codes = {
        {ErrorCode::Failed, 1},     {ErrorCode::NotRunning, 3}, {ErrorCode::NoSuchService, 4},
        {ErrorCode::NotAllowed, 5}, {ErrorCode::TimedOut, 7},   {ErrorCode::InvalidParams, 2}};
    for (const auto& [code, exit] : codes) {
        serve_failure({code, "because", {}, {}});
        const Ran ran = ctl({"reload", "web"});
        EXPECT_EQ(ran.exit, exit);
        EXPECT_EQ(ran.err, "reevectl: because\n");
        if (code == ErrorCode::InvalidParams) continue;  // never that of one service
        serve_outcome({{{"web", code, State::Stopped, "", {}, true}}, {}});
        EXPECT_EQ(ctl({"reload", "web"}).exit, exit);
    }
}

TEST_F(CommandTest, FailureWeighsMoreThanATimeoutAndThatMoreThanNotRunning) {
    const protocol::CommandResult failed{"a", ErrorCode::Failed, State::Failed, "", {}, true};
    const protocol::CommandResult late{"b", ErrorCode::TimedOut, State::Starting, "", {}, true};
    const protocol::CommandResult down{"c", ErrorCode::NotRunning, State::Stopped, "", {}, true};
    serve_outcome({{down, late, failed}, {}});
    EXPECT_EQ(ctl({"reload", "a"}).exit, 1);
    serve_outcome({{down, late}, {}});
    EXPECT_EQ(ctl({"reload", "a"}).exit, 7);
}

TEST_F(CommandTest, NamesWhatElseIsTouchedBeforeTheOutcome) {
    serve([](const protocol::Request& request) {
        return std::vector{
            protocol::encode_touches(
                {request.id,
                 Verb::Stop,
                 {{"web", Verb::Stop, "requires db"}, {"x\x1b", Verb::Stop, ""}}}),
            protocol::encode_result(request.id,
                                    Outcome{{{"db", {}, State::Stopped, "", {}, true}}, {"web"}})};
    });
    EXPECT_EQ(ctl({"stop", "db"}).out, "also stopping: web (requires db), x\\e\ndb stopped\n");
    EXPECT_EQ(ctl({"--quiet", "stop", "db"}).out, "");
    const Ran json = ctl({"stop", "db", "--json"});
    EXPECT_EQ(json.out,
              R"({"results":[{"service":"db","ok":true,"code":0,"state":"stopped","cause":"",)"
              R"("pid":null,"changed":true}],"also":["web"]})"
              "\n");
}

TEST_F(CommandTest, DryRunNamesTheStepsInOrderAndDoesNothing) {
    serve_result(protocol::Rehearsal{
        {{"web", protocol::Step::Kind::Stop, "stopped because db was stopped by request"},
         {"db", protocol::Step::Kind::Stop, "stopped by request"}},
        {{{"db", {}, State::Stopped, "stopped by request", {}, true}}, {"web"}}});
    const Ran ran = ctl({"stop", "--dry-run", "db"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out,
              "would be done, in order:\n"
              "  1. stop web: stopped because db was stopped by request\n"
              "  2. stop db: stopped by request\n");
    EXPECT_EQ(ran.err, "");
    EXPECT_EQ(asked<protocol::Rehearse>(), (protocol::Rehearse{Verb::Stop, {"db"}}));
    EXPECT_EQ(ctl({"stop", "--dry-run", "db", "--quiet"}).out, "");
    EXPECT_THAT(ctl({"stop", "--dry-run", "db", "--json"}).out,
                StartsWith(R"({"steps":[{"service":"web","do":"stop",)"
                           R"("cause":"stopped because db was stopped by request"})"));
}

TEST_F(CommandTest, DryRunOfWhatIsDoneAlreadySaysSo) {
    serve_result(protocol::Rehearsal{{}, {{{"db", {}, State::Stopped, "", {}, false}}, {}}});
    EXPECT_EQ(ctl({"stop", "--dry-run", "db"}).out,
              "nothing would be done to any service\ndb is stopped already\n");
}

TEST_F(CommandTest, DryRunExitsAsTheCommandWould) {
    serve_result(protocol::Rehearsal{
        {}, {{{"db", ErrorCode::NotRunning, State::Stopped, "not running", {}, true}}, {}}});
    const Ran ran = ctl({"reload", "--dry-run", "db"});
    EXPECT_EQ(ran.exit, 3);
    EXPECT_THAT(ran.err, StartsWith("reevectl: cannot reload db: not running\n"));
}

TEST_F(CommandTest, ReopenSaysThatItIsDone) {
    serve_result(protocol::Accepted{});
    const Ran ran = ctl({"reopen"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, "the log files are opened anew\n");
    asked<protocol::Reopen>();
    EXPECT_EQ(ctl({"reopen", "--quiet"}).out, "");
    EXPECT_EQ(ctl({"reopen", "--json"}).out, "{}\n");
    serve_failure({ErrorCode::NotAllowed, "you may not operate", {}, {}});
    EXPECT_EQ(ctl({"reopen"}).exit, 5);
}

TEST_F(CommandTest, OutputThatCannotBeWrittenExitsWith1UnlessNobodyReads) {
    serve_outcome({{{"db", {}, State::Running, "", 11, true}}, {}});
    const Fd err(memfd_create("err", MFD_CLOEXEC));
    const auto run_into = [&](int out) {
        const std::vector<std::string> arguments = {"-s", dir_ / "control.sock", "start", "db"};
        return run(Host{{}, geteuid(), out, err.get()}, arguments);
    };
    const Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(run_into(full.get()), 1);
    EXPECT_EQ(contents_of(err.get()), "reevectl: cannot write: No space left on device\n");
    for (const char* asked : {"--help", "--version"}) {
        const std::vector<std::string> arguments = {asked};
        EXPECT_EQ(run(Host{{}, geteuid(), full.get(), err.get()}, arguments), 1) << asked;
    }
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    const Fd closed(ends[1]);
    const auto before = signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(run_into(closed.get()), 0);
    signal(SIGPIPE, before);
}

TEST_F(CommandTest, UsageErrorsExitWith2AndNeedNoSupervisor) {
    const Ran ran = ctl({"stop"});
    EXPECT_EQ(ran.exit, 2);
    EXPECT_EQ(ran.out, "");
    EXPECT_THAT(ran.err, StartsWith("reevectl: stop needs a NAME"));
}

TEST_F(CommandTest, HelpIsForStdout) {
    const Ran ran = ctl({"--help"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.err, "");
    EXPECT_THAT(ran.out, HasSubstr("status"));
}

TEST_F(CommandTest, SupervisorThatDoesNotKnowTheMethodIsSaidToBeOlder) {
    serve_failure({ErrorCode::NoSuchMethod, "there is no method stop", {}, {}});
    const Ran ran = ctl({"stop", "web"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_THAT(ran.err, HasSubstr("(reeved 0.1.0) is older than this reevectl"));
}

TEST_F(CommandTest, WithoutASupervisorSaysWhereItLooked) {
    const Ran ran = ctl({"stop", "web"});
    EXPECT_EQ(ran.exit, 6);
    EXPECT_EQ(ran.err, "reevectl: no supervisor answers at " + dir_.path() +
                           "/control.sock: No such file or directory; start one with reeved\n");
    write_file(dir_ / "file", "");
    EXPECT_EQ(ctl({"-s", dir_ / "file", "stop", "web"}).exit, 6);
    EXPECT_EQ(ctl({"-s", std::string(200, 'x'), "stop", "web"}).exit, 6);
}

TEST_F(CommandTest, FlagBeatsSocketVariableWhichBeatsRuntimeDir) {
    const auto where = [](std::map<std::string, std::string> environment,
                          std::vector<std::string> arguments) {
        return run_with(std::move(environment), std::move(arguments)).err;
    };
    const std::map<std::string, std::string> all = {{"REEVE_SOCKET", "/nowhere/socket"},
                                                    {"REEVE_RUNTIME_DIR", "/nowhere/dir"}};
    EXPECT_THAT(where(all, {"status", "-s", "/nowhere/flag"}), HasSubstr("at /nowhere/flag:"));
    EXPECT_THAT(where(all, {"status"}), HasSubstr("at /nowhere/socket:"));
    EXPECT_THAT(where({{"REEVE_RUNTIME_DIR", "/nowhere/dir"}}, {"status"}),
                HasSubstr("at /nowhere/dir/control.sock:"));
}

TEST_F(CommandTest, AnotherProtocolIsSaidInOneSentenceAndNothingIsDone) {
    welcome_.protocol = 2;
    serve_outcome({});
    const Ran ran = ctl({"stop", "web"});
    EXPECT_EQ(ran.exit, 6);
    EXPECT_THAT(ran.err, AllOf(HasSubstr("version 1"), HasSubstr("version 2")));
    EXPECT_EQ(supervisor_->requests().size(), 1u) << "stop must not have been sent";
}

TEST_F(CommandTest, WhatIsNoSupervisorIsSaidInOneSentence) {
    supervisor_.emplace(dir_ / "control.sock", [](const protocol::Request&) {
        return std::vector<std::string>{"220 mail.example ESMTP\r\n"};
    });
    const Ran ran = ctl({"stop", "web"});
    EXPECT_EQ(ran.exit, 6);
    EXPECT_THAT(ran.err, HasSubstr("does not speak reeve's protocol"));
    supervisor_.reset();
    supervisor_.emplace(dir_ / "control.sock",
                        [](const protocol::Request&) { return std::vector<std::string>{}; });
    EXPECT_THAT(ctl({"stop", "web", "--timeout", "100ms"}).err,
                HasSubstr("who listens there hangs up, so nothing was asked of it; name the socket "
                          "of reeved with -s or REEVE_SOCKET\n"));
}

TEST_F(CommandTest, ListenerOfSomebodyElseIsIgnoredWhereNobodyNamedIt) {
    if (std::filesystem::exists("/run/reeve/control.sock")) GTEST_SKIP() << "root's is there";
    std::filesystem::create_directories(dir_ / "reeve");
    chmod(dir_.path().c_str(), 0777);
    chmod((dir_ / "reeve").c_str(), 0777);
    // The kernel notes who listens; root's are trusted, so root listens as somebody else here.
    const bool root = geteuid() == 0;
    if (root) {
        ASSERT_EQ(seteuid(65534), 0);
    }
    supervisor_.emplace(dir_ / "reeve/control.sock",
                        [](const protocol::Request&) { return std::vector<std::string>{}; });
    if (root) {
        ASSERT_EQ(seteuid(0), 0);
    }
    const Fd err(memfd_create("err", MFD_CLOEXEC));
    const Host host{{{"XDG_RUNTIME_DIR", dir_.path()}}, geteuid() + 1, 1, err.get()};
    const std::vector<std::string> arguments = {"status"};
    EXPECT_EQ(run(host, arguments), 6);
    EXPECT_THAT(contents_of(err.get()),
                HasSubstr("neither you nor root, nor at /run/reeve/control.sock"));
    EXPECT_TRUE(supervisor_->requests().empty());
}

TEST_F(CommandTest, ShutdownWaitsForTheSupervisorsEnd) {
    // Sends the answer and, as the next thing, the end of the connection.
    serve([](const protocol::Request& request) -> std::vector<std::string> {
        return {protocol::encode_result(request.id, protocol::Accepted{})};
    });
    EXPECT_EQ(ctl({"shutdown", "--no-wait"}).exit, 0);
    const Ran late = ctl({"shutdown", "--timeout", "0.05"});
    EXPECT_EQ(late.exit, 7);
    EXPECT_THAT(late.err, HasSubstr("gave up waiting"));
    std::thread end([this] {
        while (supervisor_->requests().size() < 6) std::this_thread::yield();
        supervisor_.reset();
    });
    const Ran ran = ctl({"shutdown"});
    end.join();
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, "the supervisor has ended\n");
}

TEST_F(CommandTest, VersionAnswersWithAndWithoutASupervisor) {
    const Ran alone = ctl({"version"});
    EXPECT_EQ(alone.exit, 0);
    EXPECT_THAT(alone.out, AllOf(StartsWith("reevectl "), HasSubstr("no supervisor answers")));
    serve_outcome({});
    EXPECT_THAT(ctl({"version"}).out, HasSubstr("reeved 0.1.0 (pid 77)\n"));
    EXPECT_THAT(ctl({"version", "--json"}).out, HasSubstr(R"("supervisor":"0.1.0"})"));
}

}  // namespace
}  // namespace reeve::ctl
