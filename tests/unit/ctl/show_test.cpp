#include <gmock/gmock.h>

#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {
namespace {

using config::Literal;
using protocol::Definitions;
using protocol::State;
using protocol::StatusDocument;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Literal text(std::string value) { return {std::move(value)}; }

/// list, show and cat.
class ShowTest : public CtlTest {
  protected:
    void SetUp() override {
        chmod(dir_.path().c_str(), 0700);
        StatusDocument document;
        auto db = service("db", State::Stopped, "line\nbreak");
        auto web = service("web", State::Running, "ready");
        web.description = "the shop";
        web.groups = {"front", "shop"};
        web.uptime = 1500ms;
        web.last_exit = protocol::LastExit{ExitStatus::killed(SIGKILL), {}, 3s};
        document.services = {db, web};
        const Literal command{Literal::List{text("nginx"), text("-g"), text("daemon off;")}};
        Definitions definitions;
        definitions.services = {
            {"db", {Literal::Map{{"command", {Literal::List{text("db")}}}}}},
            {"web",
             {Literal::Map{
                 {"description", text("the shop")},
                 {"command", command},
                 {"stop", {Literal::Map{{"signal", text("QUIT")}, {"timeout", text("5s")}}}},
                 {"enabled", {false}},
                 {"nice", {std::int64_t{5}}}}}}};
        serve([document, definitions](const protocol::Request& request) {
            const bool status = std::holds_alternative<protocol::StatusQuery>(request.call);
            return std::vector{status ? protocol::encode_result(request.id, document)
                                      : protocol::encode_result(request.id, definitions)};
        });
    }
};

TEST_F(ShowTest, ListIsOneNameALine) {
    const Ran ran = ctl({"list"});
    EXPECT_EQ(ran.exit, 0);
    EXPECT_EQ(ran.out, "db\nweb\n");
    EXPECT_EQ(asked<protocol::StatusQuery>(), (protocol::StatusQuery{{}, false, false}));
    ctl({"list", "@shop"});
    EXPECT_EQ(std::get<protocol::StatusQuery>(supervisor_->requests().back().call).names,
              std::vector<std::string>{"@shop"});
}

TEST_F(ShowTest, ListAsJsonHasWhatServicesAre) {
    EXPECT_THAT(ctl({"list", "--json"}).out,
                AllOf(StartsWith(R"({"services":[{"name":"db","description":"","type":"simple",)"),
                      HasSubstr(R"({"name":"web","description":"the shop","type":"simple",)"
                                R"("enabled":true,"groups":["front","shop"]}]})")));
}

TEST_F(ShowTest, CatPrintsAConfigurationThatLoads) {
    const Ran ran = ctl({"cat", "web", "db"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(asked<protocol::DefinitionQuery>(), (protocol::DefinitionQuery{{"web", "db"}}));
    write_file(dir_ / "cat.yaml", ran.out);
    const Ran check = ctl({"check", dir_ / "cat.yaml"});
    EXPECT_EQ(check.exit, 0) << check.err << ran.out;
    EXPECT_EQ(check.out, "valid: 2 services in 1 file\n");
}

TEST_F(ShowTest, CatAsJsonIsTheSame) {
    EXPECT_THAT(ctl({"cat", "--json"}).out,
                StartsWith(R"({"services":{"db":{"command":["db"]},"web":{"description":)"));
}

TEST_F(ShowTest, ShowHasEveryPropertyOfStatusAndDefinition) {
    const Ran ran = ctl({"show", "web"});
    EXPECT_EQ(ran.exit, 0);
    const auto requests = supervisor_->requests();
    ASSERT_EQ(requests.size(), 3u);
    EXPECT_EQ(std::get<protocol::StatusQuery>(requests[1].call).names,
              std::vector<std::string>{"web"});
    EXPECT_EQ(std::get<protocol::DefinitionQuery>(requests[2].call).names,
              std::vector<std::string>{"web"});
    for (const char* line : {"\nname=web\n", "\nstate=running\n", "\nready=true\n",
                             "\nuptime=1.5\n", "\ngroups=[\"front\",\"shop\"]\n", "\nmemory=\n",
                             "\nlast_exit.code=\n", "\nlast_exit.signal=SIGKILL\n",
                             "\ndefinition.command=[\"nginx\",\"-g\",\"daemon off;\"]\n",
                             "\ndefinition.stop.signal=QUIT\n", "\ndefinition.enabled=false\n",
                             "\ndefinition.nice=5\n"}) {
        EXPECT_THAT("\n" + ran.out, HasSubstr(line));
    }
}

TEST_F(ShowTest, ShowOfSeveralHasAnEmptyLineBetweenThem) {
    const std::string out = ctl({"show", "--all", "-p", "name"}).out;
    EXPECT_EQ(out, "name=db\n\nname=web\n");
}

TEST_F(ShowTest, ShowPicksPropertiesInTheirOrder) {
    EXPECT_EQ(ctl({"show", "-p", "state,name", "--property=definition.stop"}).out,
              "state=stopped\nname=db\ndefinition.stop=\n\n"
              "state=running\nname=web\ndefinition.stop.signal=QUIT\ndefinition.stop.timeout=5s\n");
    EXPECT_EQ(ctl({"show", "-p", "pid,last_exit.signal", "--value"}).out, "\n\n\n1234\nSIGKILL\n");
}

TEST_F(ShowTest, ShowOfAPropertyThatNoServiceHasIsAUsageError) {
    const Ran ran = ctl({"show", "-p", "stat", "web"});
    EXPECT_EQ(ran.exit, 2);
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(ran.err, "reevectl: there is no property stat; did you mean state?\n");
    EXPECT_EQ(ctl({"show", "-p", "definition.comand", "web"}).err,
              "reevectl: there is no property definition.comand; did you mean "
              "definition.command?\n");
    EXPECT_EQ(ctl({"show", "-p", "last_exit.cod", "web"}).err,
              "reevectl: there is no property last_exit.cod; did you mean last_exit.code?\n");
    EXPECT_EQ(ctl({"show", "-p", "state.code", "web"}).exit, 2);
    EXPECT_EQ(ctl({"show", "-p", "definition.stop.timeuot", "web"}).err,
              "reevectl: there is no property definition.stop.timeuot; did you mean "
              "definition.stop.timeout?\n");
    EXPECT_TRUE(supervisor_->requests().empty()) << "it is wrong whoever runs";
    EXPECT_EQ(ctl({"show", "-p", "definition.umask", "web"}).exit, 0);
    EXPECT_EQ(ctl({"show", "-p", "last_exit.code,definition.environment.PATH", "db"}).exit, 0);
    EXPECT_EQ(ctl({"show", "-p", ",", "web"}).exit, 2);
}

TEST_F(ShowTest, ShowKeepsAValueOnItsLine) {
    EXPECT_THAT(ctl({"show", "db"}).out, HasSubstr("cause=line\\nbreak\n"));
}

TEST_F(ShowTest, ShowAsJsonHasBothDocuments) {
    const std::string out = ctl({"show", "--json"}).out;
    EXPECT_THAT(
        out,
        AllOf(StartsWith(R"({"services":[{"status":{"name":"db",)"), HasSubstr(R"("uptime":1.5,)"),
              HasSubstr(R"("definition":{"description":"the shop","command":["nginx",)")));
    EXPECT_EQ(ctl({"show", "--json", "-p", "name"}).exit, 2);
}

TEST_F(ShowTest, UnknownNameExitsWith4) {
    serve_failure(protocol::no_such_service("wbe", "web"));
    for (const char* verb : {"list", "show", "cat"}) {
        const Ran ran = ctl({verb, "wbe"});
        EXPECT_EQ(ran.exit, 4);
        EXPECT_EQ(ran.out, "");
        EXPECT_THAT(ran.err, HasSubstr("web"));
    }
}

}  // namespace
}  // namespace reeve::ctl
