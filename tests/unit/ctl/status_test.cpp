#include <gmock/gmock.h>

#include "tests/unit/ctl/fixture.h"
#include "tests/unit/ctl/status_samples.h"

namespace reeve::ctl {
namespace {

using protocol::State;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

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
