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

TEST(Bond, RestartsThoughTheOtherIsBackBeforeItsTurnToStop) {
    Scenario s({Service("a"), Service("b").binds({"a"}), Service("c").needs({"b"})});
    s.boot_up().pass(1min).exits("a", 1).spawned("a");
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_EQ(s.state("c"), "stopping");
    s.take();
    s.exits("c");
    EXPECT_THAT(s.take(), ElementsAre("reap c", "signal b SIGTERM", "signal b SIGCONT"));
    EXPECT_EQ(s.cause("b"), "stopped to be restarted because a, which it is bound to, ended");
}

TEST(Bond, IsNotLostWhileAMainProcessIsFollowedByAnother) {
    Scenario s({Service("a").forking("/run/a.pid"), Service("b").binds({"a"})});
    s.boot().spawned("a").parent_exits("a").main_found("a").spawned("b").exits("a", 0, true);
    EXPECT_EQ(s.state("b"), "running");
    s.main_found("a");
    EXPECT_EQ(s.state("b"), "running");
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

TEST(Conflict, WithWhatAnEarlierOneNeedsRefusesTheLaterOne) {
    Scenario s({Service("r"), Service("x").needs({"r"}).disabled(),
                Service("y").conflicts({"r"}).disabled()});
    s.boot_up().start({"x", "y"}).spawned("x");
    EXPECT_EQ(s.state("r"), "running");
    EXPECT_THAT(s.take(), Contains("reply 1 x:done y:failed"));
    EXPECT_EQ(s.told(1), "it conflicts with r, which is started as well");
}

TEST(Conflict, OfSomethingOnlyWantedLeavesThatOut) {
    Scenario s({Service("x").wants({"y", "z"}).disabled(), Service("y").conflicts({"z"}).disabled(),
                Service("z").disabled()});
    s.boot_up().start({"x"});
    EXPECT_EQ(s.state("y"), "starting");
    EXPECT_EQ(s.state("z"), "stopped");
}

TEST(Conflict, WithOneThatIsRemovedWaitsUntilThatIsGone) {
    Scenario s({Service("x")});
    s.boot_up().replace({Service("y").conflicts({"x"})});
    EXPECT_EQ(s.state("y"), "waiting");
    s.exits("x");
    EXPECT_EQ(s.state("y"), "starting");
}

TEST(Conflict, OfTwoThatAreStartedTogetherTheFirstWins) {
    Scenario s({Service("a").conflicts({"b"}), Service("b")});
    s.boot();
    EXPECT_THAT(s.take(), ElementsAre("spawn a"));
    EXPECT_EQ(s.cause("b"), "not started: it conflicts with a, which is started as well");
    s.spawned("a").start({"b", "a"}).exits("a").spawned("b");
    EXPECT_THAT(s.take(), Contains("reply 1 b:done a:failed"));
}

TEST(NewConflict, OfTwoThatRunStopsTheOtherThanTheOneThatSaysSo) {
    Scenario s({Service("a"), Service("b"), Service("c").needs({"b"})});
    s.boot_up().apply({Service("a").conflicts({"b"}), Service("b"), Service("c").needs({"b"})});
    EXPECT_THAT(s.take(), ElementsAre("touches c<b b<a", "signal c SIGTERM", "signal c SIGCONT",
                                      "reply 1 a:done"));
    s.exits("c").exits("b");
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_EQ(s.state("b"), "stopped");
    EXPECT_EQ(s.cause("b"), "stopped because it now conflicts with a");
    EXPECT_EQ(s.cause("c"), "stopped because b was stopped");
}

TEST(NewConflict, StopsTheOtherThoughThatIsFirstByName) {
    Scenario s({Service("a"), Service("b")});
    s.boot_up().replace({Service("a"), Service("b").conflicts({"a"})});
    EXPECT_THAT(s.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
    EXPECT_EQ(s.state("b"), "running");
}

TEST(NewConflict, ThatBothSayLeavesTheOneThatWasStartedLater) {
    const std::vector<Service> rivals = {Service("a").conflicts({"b"}),
                                         Service("b").conflicts({"a"})};
    Scenario s({Service("a").disabled(), Service("b")});
    s.boot_up().pass(1s).start({"a"}).spawned("a").take();
    s.apply(rivals).exits("b");
    EXPECT_THAT(s.take(), ElementsAre("touches b<a", "signal b SIGTERM", "signal b SIGCONT",
                                      "reap b", "reply 2 a:done b:done"));
    Scenario together({Service("a"), Service("b")});
    together.boot_up().replace(rivals);
    EXPECT_THAT(together.take(), ElementsAre("signal a SIGTERM", "signal a SIGCONT"));
}

TEST(NewConflict, OfOneThatIsRestartedForItWaitsForTheOtherToBeGone) {
    Scenario s({Service("a"), Service("b")});
    s.boot_up().replace({Service("a").command({"/bin/a2"}).conflicts({"b"}), Service("b")});
    s.exits("a");
    EXPECT_EQ(s.cause("a"), "waits for b");
    s.exits("b");
    EXPECT_EQ(s.state("a"), "starting");
    EXPECT_EQ(s.state("b"), "stopped");
}

TEST(NewConflict, DoesNotBringBackOneWhoseDefinitionChangedAsWell) {
    Scenario s({Service("a"), Service("b")});
    s.boot_up().replace({Service("a").conflicts({"b"}), Service("b").command({"/bin/b2"})});
    s.exits("b");
    EXPECT_EQ(s.state("a"), "running");
    EXPECT_EQ(s.state("b"), "stopped");
}

TEST(NewConflict, WithOneThatIsToBeDownStopsNobody) {
    Scenario s({Service("a"), Service("b").disabled()});
    s.boot_up().replace({Service("a"), Service("b").disabled().conflicts({"a"})});
    EXPECT_THAT(s.take(), IsEmpty());
}

TEST(NewConflict, ThatIsNoneStopsNobody) {
    Scenario s({Service("a").conflicts({"b"}), Service("b").disabled()});
    s.boot_up();
    s.replace({Service("a").conflicts({"b"}).description("x"), Service("b").disabled()});
    s.replace({Service("a"), Service("b").disabled().conflicts({"a"})});
    EXPECT_THAT(s.take(), IsEmpty());
}

}  // namespace
}  // namespace reeve::test
