#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Bond, StopsAndRestartsAlongWithACrash) {
    Scenario s({Service("app").binds({"db"}), Service("db")});
    s.boot_up().killed("db", SIGSEGV);
    EXPECT_EQ(s.state("db"), "backoff");
    EXPECT_THAT(s.take(), ElementsAre("reap db", "signal app SIGTERM", "signal app SIGCONT"));
    EXPECT_EQ(s.cause("app"), "stopped to be restarted because db, which it is bound to, ended");
    s.exits("app");
    EXPECT_EQ(s.state("app"), "waiting");
    s.pass(1s).spawned("db").take();
    EXPECT_EQ(s.state("app"), "starting");
}

TEST(Bond, RestartsAlsoWhenTheOtherIsUpAgainAtOnce) {
    Scenario s({Service("app").binds({"db"}), Service("db")});
    s.boot_up().pass(1min).exits("db", 1);
    EXPECT_EQ(s.state("db"), "starting");
    EXPECT_EQ(s.state("app"), "stopping");
    s.spawned("db").exits("app");
    EXPECT_EQ(s.state("app"), "starting");
}

TEST(Bond, PlainRequirementGoesOnThroughACrash) {
    Scenario s({Service("app").needs({"db"}), Service("db")});
    s.boot_up().exits("db", 1);
    EXPECT_EQ(s.state("app"), "running");
}

TEST(Bond, WaitsWhenTheOtherHasFailed) {
    Scenario s({Service("app").binds({"db"}), Service("db").restart(config::RestartPolicy::Never)});
    s.boot_up().exits("db", 1).exits("app");
    EXPECT_EQ(s.state("app"), "waiting");
    EXPECT_EQ(s.cause("app"), "waits for db (failed)");
}

TEST(Conflict, StartStopsTheOtherFirst) {
    Scenario s({Service("a").conflicts({"b"}).disabled(), Service("b"), Service("c").needs({"b"})});
    s.boot_up().start({"a"});
    EXPECT_THAT(s.take(), ElementsAre("touches c<b b<a", "signal c SIGTERM", "signal c SIGCONT"));
    EXPECT_EQ(s.cause("a"), "waits for b");
    s.exits("c").exits("b");
    EXPECT_THAT(s.state("a"), "starting");
    EXPECT_EQ(s.cause("b"), "stopped because a, with which it conflicts, was started");
    EXPECT_EQ(s.state("b"), "stopped");
}

TEST(Conflict, HoldsWhicheverSideNamesIt) {
    Scenario s({Service("a").disabled(), Service("b").conflicts({"a"})});
    s.boot_up().start({"a"});
    EXPECT_EQ(s.state("b"), "stopping");
}

TEST(Conflict, OfTwoThatAreStartedTogetherTheFirstWins) {
    Scenario s({Service("a").conflicts({"b"}), Service("b")});
    s.boot();
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
    EXPECT_EQ(s.cause("b"), "not started: it conflicts with a, which is started as well");
    s.spawned("a").start({"b", "a"}).exits("a").spawned("b");
    EXPECT_THAT(s.take(), Contains("reply 1 b:done a:failed"));
}

}  // namespace
}  // namespace reeve::test
