#include "tests/support/scenario.h"

/// Waiting for a state changes nothing, and ends when it is reached or cannot be reached any more.
namespace reeve::test {
namespace {

using core::Verb;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Await, OfWhatIsSoIsAnsweredAtOnce) {
    Scenario s({Service("web"), Service("job").oneshot(), Service("off").disabled(),
                Service("bad").restart(config::RestartPolicy::Never)});
    s.boot_up().exits("bad", 3).take();
    s.request(Verb::AwaitReady, {"web", "job"});
    EXPECT_THAT(s.take(), ElementsAre("reply 1 web:done job:done"));
    s.request(Verb::AwaitStopped, {"off", "job", "bad"});
    EXPECT_THAT(s.take(), ElementsAre("reply 2 off:done job:done bad:done"));
    s.request(Verb::AwaitFailed, {"bad"}).request(Verb::AwaitDone, {"job"});
    EXPECT_THAT(s.take(), ElementsAre("reply 3 bad:done", "reply 4 job:done"));
}

TEST(Await, ReadyLastsThroughCrashesUntilItIs) {
    Scenario s({Service("web").notify()});
    s.boot().spawned("web").request(Verb::AwaitReady, {"web"}).exits("web", 1).pass(100ms);
    EXPECT_EQ(s.open_requests(), 1u);
    s.take();
    s.up("web");
    EXPECT_THAT(s.take(), ElementsAre("reply 1 web:done"));
}

TEST(Await, ReadyOfOneThatIsStoppedLastsUntilSomebodyStartsIt) {
    Scenario s({Service("web").disabled()});
    s.boot().request(Verb::AwaitReady, {"web"});
    EXPECT_THAT(s.take(), IsEmpty());
    s.start({"web"}).up("web");
    EXPECT_THAT(s.take(), ElementsAre("spawn web", "reply 1 web:done", "reply 2 web:done"));
}

TEST(Await, ReadyEndsWhenItHasFailedForGood) {
    Scenario s({Service("web").notify().restart(config::RestartPolicy::Never)});
    s.boot().spawned("web").request(Verb::AwaitReady, {"web"}).take();
    s.exits("web", 3);
    EXPECT_THAT(s.take(), ElementsAre("reap web", "reply 1 web:failed"));
    EXPECT_EQ(s.told(1), "exit 3 after 0 s, before it was ready; restart: never makes that final");
}

TEST(Await, DoneEndsWhenItHasFailedAndFailedWhenItIsDone) {
    Scenario s({Service("well").oneshot(), Service("badly").oneshot()});
    s.boot().spawned("well").spawned("badly");
    s.request(Verb::AwaitFailed, {"well"}).request(Verb::AwaitDone, {"badly"}).take();
    s.exits("well").exits("badly", 1);
    EXPECT_THAT(s.take(), ElementsAre("reap well", "reply 1 well:failed", "reap badly",
                                      "reply 2 badly:failed"));
}

TEST(Await, StoppedIsNotReachedBetweenStopAndStartOfARestart) {
    Scenario s({Service("web")});
    s.boot_up().request(Verb::AwaitStopped, {"web"}).restart({"web"}).exits("web").up("web");
    EXPECT_EQ(s.open_requests(), 1u);
    s.stop({"web"}).exits("web");
    EXPECT_EQ(s.open_requests(), 0u);
}

TEST(Await, EndsAtItsDeadline) {
    Scenario s({Service("web").notify()});
    s.boot().spawned("web").request(Verb::AwaitReady, {"web"}, true, 5s).take();
    s.pass(5s);
    EXPECT_THAT(s.take(), ElementsAre("reply 1 web:timed out"));
}

TEST(Await, OfOneThatIsRemovedMeanwhileFails) {
    Scenario s({Service("web").disabled()});
    s.boot().request(Verb::AwaitReady, {"web"}).replace({});
    EXPECT_THAT(s.take(), ElementsAre("forget web", "reply 1 web:failed"));
}

TEST(Await, ThatNobodyWaitsForAnyMoreIsForgotten) {
    Scenario s({Service("web")});
    s.boot_up().request(Verb::AwaitFailed, {"web"}, true, 1h).take();
    s.event(core::Abandoned{core::RequestId{1}});
    EXPECT_EQ(s.next(), std::nullopt);
    s.shutdown().exits("web");
    EXPECT_THAT(s.last(), ElementsAre("reap web", "finish 0"));
}

TEST(Await, IsAnsweredBeforeTheSupervisorEnds) {
    Scenario s({Service("web")});
    s.boot_up().request(Verb::AwaitFailed, {"web"}).shutdown().take();
    s.exits("web");
    EXPECT_THAT(s.take(), ElementsAre("reap web", "reply 1 web:failed", "finish 0"));
}

}  // namespace
}  // namespace reeve::test
