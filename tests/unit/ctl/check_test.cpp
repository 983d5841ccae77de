#include <gmock/gmock.h>

#include "tests/unit/ctl/fixture.h"

namespace reeve::ctl {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class CheckTest : public CtlTest {
  protected:
    void SetUp() override { chmod(dir_.path().c_str(), 0700); }
};

TEST_F(CheckTest, OfAValidConfigurationExitsWith0) {
    write_file(dir_ / "reeve.yaml", "services:\n  web:\n    command: [sleep, inf]\n");
    const Ran ran = ctl({"check", dir_ / "reeve.yaml"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    EXPECT_EQ(ran.err, "");
    EXPECT_NE(ran.out, "");
    EXPECT_EQ(ctl({"check", "--quiet", dir_ / "reeve.yaml"}).out, "");
    EXPECT_EQ(run_with({{"REEVE_CONFIG", dir_ / "reeve.yaml"}}, {"check"}).exit, 0);
}

TEST_F(CheckTest, PrintsEveryProblemAndExitsWith1) {
    write_file(dir_ / "reeve.yaml",
               "services:\n  web:\n    comand: [sleep, inf]\n    umask: 999\n");
    const Ran ran = ctl({"check", dir_ / "reeve.yaml"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_THAT(ran.err, AllOf(HasSubstr("reeve.yaml:3:5: error: services.web.comand"),
                               HasSubstr("reeve.yaml:4:12: error: services.web.umask")));
    const Ran json = ctl({"check", "--json", dir_ / "reeve.yaml"});
    EXPECT_THAT(json.out, AllOf(testing::StartsWith(R"({"valid":false,"problems":[{)"),
                                HasSubstr(R"("line":3,"column":5,"path":"services.web.comand")")));
}

TEST_F(CheckTest, OfAnUnknownUserExitsWith1) {
    write_file(dir_ / "reeve.yaml",
               "services:\n  web:\n    command: [sleep, inf]\n    user: reeve-nobody-has-this\n");
    const Ran ran = ctl({"check", dir_ / "reeve.yaml"});
    EXPECT_EQ(ran.exit, 1);
    EXPECT_THAT(ran.err, HasSubstr("services.web.user"));
}

TEST_F(CheckTest, OfNothingExitsWith4) {
    const std::string missing = dir_ / "missing.yaml";
    const Ran ran = ctl({"check", missing});
    EXPECT_EQ(ran.exit, 4);
    EXPECT_THAT(ran.err, HasSubstr("cannot read " + missing + ": No such file or directory"));
    EXPECT_THAT(ctl({"check", "--json", missing}).out, HasSubstr(R"("valid":false)"));
    EXPECT_EQ(run_with({{"REEVE_CONFIG", missing}}, {"check"}).exit, 4);
    EXPECT_EQ(ctl({"check", missing + "/reeve.yaml"}).exit, 4);
}

TEST_F(CheckTest, OfWhatIncludesAFileThatIsMissingExitsWith1) {
    write_file(dir_ / "reeve.yaml", "include: [missing.yaml]\nservices: {}\n");
    EXPECT_EQ(ctl({"check", dir_ / "reeve.yaml"}).exit, 1);
}

TEST_F(CheckTest, OfWhatMayNotBeReadExitsWith5) {
    write_file(dir_ / "closed.yaml", "services: {}\n");
    write_file(dir_ / "closed/reeve.yaml", "services: {}\n");
    chmod(dir_.path().c_str(), 0711);
    chmod((dir_ / "closed.yaml").c_str(), 0);
    chmod((dir_ / "closed").c_str(), 0);
    const bool root = geteuid() == 0;
    if (root) {
        ASSERT_EQ(seteuid(65534), 0);
    }
    const std::vector<Ran> all = {ctl({"check", dir_ / "closed.yaml"}),
                                  ctl({"check", dir_ / "closed"}),
                                  ctl({"check", dir_ / "closed/reeve.yaml"}),
                                  run_with({{"REEVE_CONFIG", dir_ / "closed.yaml"}}, {"check"})};
    if (root) {
        ASSERT_EQ(seteuid(0), 0);
    }
    chmod((dir_ / "closed").c_str(), 0700);
    for (const Ran& ran : all) {
        EXPECT_EQ(ran.exit, 5);
        EXPECT_THAT(ran.err, HasSubstr("Permission denied"));
    }
}

TEST_F(CheckTest, WithoutAPathIsOfTheFilesThatTheSupervisorOfThatNameUses) {
    write_file(dir_ / "in-use.yaml", "services:\n  web:\n    comand: [sleep, inf]\n");
    write_file(dir_ / "other.yaml", "services:\n  web:\n    command: [sleep, inf]\n");
    protocol::StatusDocument document;
    document.supervisor.config = {dir_ / "in-use.yaml"};
    serve_status(document);
    const std::string socket = dir_ / "control.sock";
    const std::map<std::string, std::string> other = {{"REEVE_CONFIG", dir_ / "other.yaml"},
                                                      {"REEVE_RUNTIME_DIR", dir_.path()}};
    EXPECT_THAT(ctl({"check"}).err, HasSubstr("in-use.yaml:3:5: error"));
    EXPECT_EQ(run_with({{"REEVE_SOCKET", socket}}, {"check"}).exit, 1);
    EXPECT_THAT(run_with(other, {"check", "-s", socket}).err, HasSubstr("in-use.yaml:3:5: error"));
    EXPECT_EQ(run_with(other, {"check"}).exit, 0);
    EXPECT_EQ(ctl({"check", "-s", socket, dir_ / "other.yaml"}).exit, 0);
    EXPECT_EQ(ctl({"check", "-s", dir_ / "nowhere"}).exit, 6);
}

}  // namespace
}  // namespace reeve::ctl
