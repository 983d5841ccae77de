// What a successor takes up again of what an engine that died had in hand.
#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::optional<Duration> time_left(const Scenario& s, const std::string& name) {
    const auto deadline = core::deadline_of(s.unit(name).state());
    if (!deadline) return std::nullopt;
    return *deadline - s.now();
}

TEST(Resume, LeavesAloneWhatRuns) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().dies({"db", "web"});
    EXPECT_THAT(s.take(), IsEmpty());
    EXPECT_EQ(s.state("web"), "running");
    s.stop({"db"});
    EXPECT_THAT(s.take(),
                ElementsAre("touches web<db", "signal web SIGTERM", "signal web SIGCONT"));
}

TEST(Resume, TakesAnEndThatNobodySawForAFailure) {
    Scenario s({Service("web")});
    s.boot_up().pass(1s).dies({});
    EXPECT_EQ(s.state("web"), "backoff");
    EXPECT_EQ(s.cause("web"), "ended, status unknown, while no supervisor was there");
}

config::Backoff doubling() { return {1s, 2, 1min, 0, 3s}; }

TEST(Resume, DoesNotTakeAnEndThatNobodySawForThatOfALongRun) {
    Scenario s({Service("web").backoff(doubling())});
    s.boot_up().pass(5s).dies({"web"}).has_exited("web", 3);
    EXPECT_EQ(s.state("web"), "backoff");
    EXPECT_EQ(time_left(s, "web"), 1s);
    EXPECT_EQ(s.cause("web"), "exit 3, while no supervisor was there");
    s.pass(1s).spawned("web");
    EXPECT_EQ(s.cause("web"), "restarted after exit 3, while no supervisor was there");
}

TEST(Resume, NeitherForgetsQuickExitsForAnEndThatNobodySawNorCountsOneMore) {
    Scenario s({Service("web").backoff(doubling())});
    s.boot_up().exits("web", 3).pass(1s).up("web").exits("web", 3);
    EXPECT_EQ(time_left(s, "web"), 2s);
    s.pass(2s).up("web").pass(1h).dies({"web"}).has_exited("web", 3);
    EXPECT_EQ(time_left(s, "web"), 2s);
    EXPECT_EQ(s.cause("web"), "exit 3, while no supervisor was there");
    EXPECT_EQ(s.unit("web").history.restarts, 3);
    s.pass(2s).up("web").exits("web", 3);
    EXPECT_EQ(time_left(s, "web"), 4s);
    EXPECT_EQ(s.cause("web"), "exit 3 after 0 s, 3rd time");
}

TEST(Resume, DoesNotSayHowLongARunWasWhoseEndNobodySaw) {
    Scenario s({Service("web").backoff(doubling()), Service("slow").notify()});
    s.boot().up("web").spawned("slow").pass(30s).dies({"web", "slow"});
    s.has_exited("web", 3).has_exited("slow", 4);
    EXPECT_TRUE(s.unit("web").last_exit->unseen);
    EXPECT_EQ(s.unit("web").last_exit->at, s.now());
    EXPECT_TRUE(s.unit("web").failures.at(0).result.unseen);
    EXPECT_EQ(s.cause("slow"), "exit 4, while no supervisor was there and before it was ready");
    s.pass(1s).up("web").pass(1s).exits("web", 5);
    EXPECT_FALSE(s.unit("web").last_exit->unseen);
    EXPECT_FALSE(s.unit("web").failures.at(1).result.unseen);
}

TEST(Resume, SaysThatNobodySawTheEndOfTheFirstProcessOfAForkingService) {
    Scenario s({Service("web").forking()});
    s.boot().spawned("web").dies({"web"});
    s.event(core::ParentExited{s.run("web"), ExitStatus::exited(2), false, {}, true});
    EXPECT_EQ(s.cause("web"), "exit 2, while no supervisor was there and before it was ready");
    EXPECT_TRUE(s.unit("web").last_exit->unseen);
}

TEST(Resume, SaysThatNobodySawTheEndOfAMainProcessThatIsFollowed) {
    Scenario s({Service("web").forking("/run/web.pid")});
    s.boot().spawned("web").parent_exits("web").main_found("web").dies({"web"});
    s.has_exited("web", 0, true);
    EXPECT_EQ(s.cause("web"),
              "not ready yet: exit 0, while no supervisor was there; awaits another process in its "
              "PID file");
    EXPECT_TRUE(s.unit("web").last_exit->unseen);
}

TEST(Resume, SpawnsWhatWasAboutToBeSpawned) {
    Scenario s({Service("web")});
    s.boot().dies({});
    EXPECT_THAT(s.take(), ElementsAre("spawn web"));
}

TEST(Resume, DoesNotSpawnWhatIsToStop) {
    Scenario s({Service("web")});
    s.boot().stop({"web"}).dies({});
    EXPECT_EQ(s.state("web"), "stopped");
    EXPECT_THAT(s.take(), ElementsAre("reap web"));
}

TEST(Resume, HearsOfAProcessThatHadJustBeenSpawned) {
    Scenario s({Service("web")});
    s.boot().dies({"web"}).spawned("web");
    EXPECT_THAT(s.take(), IsEmpty());
    EXPECT_EQ(s.state("web"), "running");
}

TEST(Resume, AsksAProbeAgain) {
    Scenario s({Service("web").probed()});
    s.boot().spawned("web").dies({"web"}).pass(0s);
    EXPECT_THAT(s.take(), ElementsAre("probe web"));
    s.probe("web", true);
    EXPECT_EQ(s.state("web"), "running");
}

TEST(Resume, LooksForAMainProcessAgain) {
    Scenario s({Service("web").forking()});
    s.boot().spawned("web").parent_exits("web").dies({"web"});
    EXPECT_THAT(s.take(), ElementsAre("find main of web"));
}

TEST(Resume, SendsASignalAgainToWhatIsToStopAndKeepsItsDeadline) {
    Scenario s({Service("web").stop_timeout(10s)});
    s.boot_up().stop({"web"}).pass(6s).dies({"web"});
    EXPECT_THAT(s.take(), ElementsAre("signal web SIGTERM", "signal web SIGCONT"));
    EXPECT_EQ(time_left(s, "web"), 4s);
    s.exits("web");
    EXPECT_EQ(s.state("web"), "stopped");
}

TEST(Resume, SignalsInsteadOfAStopCommandThatIsGone) {
    Scenario s({Service("web").stop_command({"quit"})});
    s.boot_up().stop({"web"}).dies({"web"});
    EXPECT_THAT(s.take(), ElementsAre("signal web SIGTERM", "signal web SIGCONT"));
}

TEST(Resume, KillsAgainWhatWasToBeKilled) {
    Scenario s({Service("web").stop_timeout(1s)});
    s.boot_up().stop({"web"}).pass(1s).dies({"web"});
    EXPECT_THAT(s.take(), ElementsAre("kill web"));
}

TEST(Resume, RunsAHookAgainOfWhichNothingIsThere) {
    Scenario s({Service("web").pre_start({"one"}).pre_start({"two"})});
    s.boot().command_ends("web", true).dies({});
    EXPECT_THAT(s.take(), ElementsAre("run web two"));
}

TEST(Resume, WaitsForAHookThatIsUnderWay) {
    Scenario s({Service("web").pre_start({"one"})});
    s.boot().dies({}, {"web"});
    EXPECT_THAT(s.take(), IsEmpty());
    s.command_ends("web", true);
    EXPECT_THAT(s.take(), ElementsAre("spawn web"));
}

TEST(Resume, EndsAgainAHookThatWasToEnd) {
    Scenario s({Service("web").pre_start({"one"})});
    s.boot().stop({"web"}).dies({}, {"web"});
    EXPECT_THAT(s.take(), ElementsAre("end task of web"));
}

TEST(Resume, GivesAWatchdogAllItsTimeAgain) {
    Scenario s({Service("web").watchdog(5s)});
    s.boot_up().pass(4s).dies({"web"});
    EXPECT_EQ(time_left(s, "web"), 5s);
}

TEST(Resume, SendsTheSignalOfAReloadAgain) {
    Scenario s({Service("web").notify().reload()});
    s.boot_up().reload({"web"}).dies({"web"});
    EXPECT_THAT(s.take(), ElementsAre("signal web SIGHUP"));
}

TEST(Resume, GoesOnWithABackoffAndItsHistory) {
    Scenario s({Service("web").backoff({1s, 1, 1min, 0, 10s})});
    s.boot_up().exits("web", 1).pass(400ms).dies({});
    EXPECT_EQ(s.state("web"), "backoff");
    EXPECT_EQ(time_left(s, "web"), 600ms);
    EXPECT_EQ(s.unit("web").history.restarts, 1);
}

TEST(Resume, StartsWhatAWaitingServiceNeedsNoLonger) {
    Scenario s({Service("db").probed(), Service("web").needs({"db"})});
    s.boot().spawned("db").dies({"db"}).pass(0s);
    EXPECT_EQ(s.state("web"), "waiting");
    s.probe("db", true);
    EXPECT_EQ(s.state("web"), "starting");
}

TEST(Resume, FinishesAShutdown) {
    Scenario s({Service("web")});
    s.boot_up().shutdown().dies({"web"}).take();
    s.exits("web");
    EXPECT_THAT(s.take(), ElementsAre("reap web", "finish 0"));
}

TEST(Resume, FinishesAShutdownOfWhichOnlyTheEndWasLeft) {
    Scenario s({Service("web")});
    s.boot_up().shutdown().exits("web").dies({});
    EXPECT_THAT(s.take(), ElementsAre("finish 0"));
}

TEST(Resume, UsesNoNumberOfARunAgain) {
    Scenario s({Service("web")});
    s.boot_up();
    const core::RunId before = s.run("web");
    s.exits("web", 1).dies({}).pass(1s);
    EXPECT_GT(s.run("web").value, before.value);
}

TEST(Resume, AnswersWhoeverWaitsIfHandedOver) {
    const Time now{1h};
    core::Engine engine(plan({Service("web")}), 1);
    const core::ServiceId web = std::as_const(engine).units().find("web")->id();
    const core::RequestId request{7};
    (void)engine.handle(core::Requested{request, core::Verb::Start, {web}, true, now + 1min}, now);
    Records records;
    records.take(engine);
    core::Engine next = records.successor();
    for (core::OpenRequest& open : engine.open_requests()) next.restore(std::move(open));
    EXPECT_EQ(next.open_requests(), engine.open_requests());
    EXPECT_EQ(next.next_deadline(), now + 1min);
    const core::RunId run = core::run_of(std::as_const(next).units().find("web")->state());
    EXPECT_THAT(next.handle(core::Resumed{{run}, {}}, now), IsEmpty());
    const auto actions = next.handle(core::Spawned{run, 11}, now);
    const auto* const reply = std::get_if<core::Reply>(&actions.back());
    ASSERT_NE(reply, nullptr);
    EXPECT_EQ(reply->request, request);
    EXPECT_EQ(reply->outcomes.at(0).kind, core::Outcome::Kind::Done);
    EXPECT_THAT(next.open_requests(), IsEmpty());
}

TEST(Resume, StartsWhatNothingIsKnownOfIfItIsEnabled) {
    Scenario s({Service("db"), Service("web"), Service("off").disabled()});
    s.event(core::BootAsked{{{s.unit("db").id(), s.unit("off").id()}}});
    EXPECT_THAT(s.take(), ElementsAre("spawn db"));
    EXPECT_EQ(s.state("web"), "stopped");
    EXPECT_EQ(s.state("off"), "stopped");
}

}  // namespace
}  // namespace reeve::test
