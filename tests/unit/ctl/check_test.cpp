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
    const Ran ran = ctl({"check", dir_ / "missing.yaml"});
    EXPECT_EQ(ran.exit, 4);
    EXPECT_THAT(ran.err, HasSubstr("there is no configuration at"));
}

}  // namespace
}  // namespace reeve::ctl
