#include <gmock/gmock.h>

#include "ctl/protocol/timestamp.h"
#include "tests/unit/ctl/log_fixture.h"

namespace reeve::ctl {
namespace {

using config::Literal;
using protocol::Explanation;
using protocol::LastExit;
using protocol::Link;
using protocol::State;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

WallTime at(int number) {
    return *protocol::parse_rfc3339("2026-11-21T00:00:00Z") + std::chrono::seconds(number);
}

/// web waits for db, which failed after a run from 10 to 20.
Explanation held_up() {
    Link db;
    db.service = "db";
    db.relation = "requires";
    db.state = State::Failed;
    db.cause = "exit 1 after 10 s";
    db.last_exit = LastExit{ExitStatus::exited(1), at(20), 10s};
    Link web;
    web.service = "web";
    web.state = State::Waiting;
    web.because = {db};
    return {web, true, true, {}, {}};
}

class WhyVerbTest : public CtlTest {
  protected:
    /// Explains so whatever is asked why, and defines db so.
    void serve_why(const Explanation& explanation, const Literal& db = {Literal::Map{}}) {
        serve([explanation, db](const protocol::Request& request) {
            if (std::holds_alternative<protocol::DefinitionQuery>(request.call)) {
                return std::vector{
                    protocol::encode_result(request.id, protocol::Definitions{{{"db", db}}})};
            }
            return std::vector{protocol::encode_result(request.id, explanation)};
        });
    }
};

TEST_F(WhyVerbTest, ShowsTheLinesOfTheRunThatFailed) {
    write_file(dir_ / "log/db/current", records(5, 30));
    serve_why(held_up());
    const Ran ran = ctl({"why", "web"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_THAT(ran.out, AllOf(StartsWith("web is waiting for db, which has failed.\n"),
                               HasSubstr("its last lines:\n       line 16\n       line 17\n"
                                         "       line 18\n       line 19\n       line 20\n\n")));
    ASSERT_EQ(supervisor_->requests().size(), 2u) << "a log that is there needs no definition";
    EXPECT_EQ(std::get<protocol::WhyQuery>(supervisor_->requests()[1].call),
              protocol::WhyQuery{"web"});
}

TEST_F(WhyVerbTest, ShowsWhatAHookWroteThatFailed) {
    write_file(dir_ / "log/web/current", records(5, 30));
    Explanation web;
    web.link.service = "web";
    web.link.state = State::Failed;
    web.link.cause = "pre_start failed: check: exit 1";
    web.link.since = at(12);
    serve([web](const protocol::Request& request) {
        if (std::holds_alternative<protocol::FailuresQuery>(request.call)) {
            protocol::FailureRecord failure;
            failure.service = "web";
            failure.started = at(11);
            failure.at = at(12);
            return std::vector{protocol::encode_result(request.id, protocol::Failures{{failure}})};
        }
        return std::vector{protocol::encode_result(request.id, web)};
    });
    EXPECT_THAT(ctl({"why", "web"}).out,
                HasSubstr("its last lines:\n    line 11\n    line 12\n\n"));
}

TEST_F(WhyVerbTest, AsJsonIsTheDocumentWithLinesAtTheEnds) {
    write_file(dir_ / "log/db/current", records(19, 30));
    serve_why(held_up());
    Explanation expected = held_up();
    expected.link.because[0].lines = {"line 19", "line 20"};
    EXPECT_EQ(ctl({"why", "--json", "web"}).out, protocol::to_json(expected) + "\n");
    EXPECT_THAT(ctl({"why", "--json", "web"}).out, HasSubstr(R"("lines":["line 19","line 20"])"));
    std::filesystem::remove_all(dir_ / "log");
    EXPECT_THAT(ctl({"why", "--json", "web"}).out, HasSubstr(R"("because":[],"lines":null}])"));
}

TEST_F(WhyVerbTest, OfOneThatHasNoLogSaysWhereItsOutputGoes) {
    const auto log = [](Literal value) { return Literal{Literal::Map{{"log", std::move(value)}}}; };
    const Literal console{std::string("console")};
    const std::vector<std::pair<Literal, std::string>> cases = {
        {{Literal::Map{}}, "there is no log of it in " + (dir_ / "log/db")},
        {log(console), "what it writes goes to reeved's own output (log: console)"},
        {log({Literal::List{console}}), "what it writes goes to reeved's own output"},
        {log({Literal::Map{{"to", console}}}), "what it writes goes to reeved's own output"},
        {log({std::string("inherit")}), "what it writes goes where reeved's output goes"},
        {log({std::string("none")}), "what it writes is thrown away (log: none)"},
        {log({Literal::Map{{"max_size", {std::int64_t{1}}}}}), "there is no log of it in "},
        {log({Literal::List{console, {std::string("file")}}}), "there is no log of it in "},
        {{nullptr}, "there is no log of it in "},
    };
    for (const auto& [definition, words] : cases) {
        serve_why(held_up(), definition);
        EXPECT_THAT(ctl({"why", "web"}).out, HasSubstr("exit 1 after 10 s\n     " + words));
        supervisor_.reset();
    }
}

TEST_F(WhyVerbTest, DoesWithoutADefinitionThatIsNotToBeHad) {
    serve([](const protocol::Request& request) {
        if (std::holds_alternative<protocol::DefinitionQuery>(request.call)) {
            const protocol::Failure refusal{protocol::ErrorCode::NotAllowed, "not allowed", {}, {}};
            return std::vector{protocol::encode_error(request.id, refusal)};
        }
        return std::vector{protocol::encode_result(request.id, held_up())};
    });
    const Ran ran = ctl({"why", "web"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.err, "");
    EXPECT_THAT(ran.out, HasSubstr("there is no log of it"));
}

TEST_F(WhyVerbTest, OfAnUnknownNameExitsWith4) {
    serve([](const protocol::Request& request) {
        return std::vector{
            protocol::encode_error(request.id, protocol::no_such_service("wbe", "web"))};
    });
    const Ran ran = ctl({"why", "wbe"});
    EXPECT_EQ(ran.exit, 4);
    EXPECT_EQ(ran.err, "reevectl: no service is named wbe; did you mean web?\n");
    EXPECT_EQ(ctl({"why"}).exit, 2);
    EXPECT_EQ(ctl({"why", "a", "b"}).exit, 2);
}

TEST_F(WhyVerbTest, CardOfOneInTroubleSaysWhatHoldsItUp) {
    serve([](const protocol::Request& request) {
        if (std::holds_alternative<protocol::WhyQuery>(request.call)) {
            return std::vector{protocol::encode_result(request.id, held_up())};
        }
        const protocol::StatusDocument document{{},
                                                {service("web", State::Waiting, "waits for db")}};
        return std::vector{protocol::encode_result(request.id, document)};
    });
    EXPECT_THAT(ctl({"status", "web"}).out,
                HasSubstr("\n\nweb is waiting for db, which has failed.\n"
                          "why, in full:         reevectl why web\n"
                          "once mended:          reevectl start db\n"));
}

TEST_F(WhyVerbTest, CardOfOneThatRunsAsksNothingMore) {
    serve_status({{}, {service("web", State::Running)}});
    EXPECT_THAT(ctl({"status", "web"}).out, Not(HasSubstr("why")));
    EXPECT_EQ(supervisor_->requests().size(), 2u) << "the greeting and the status";
}

}  // namespace
}  // namespace reeve::ctl
