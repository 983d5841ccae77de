#include "supervisor/core/rehearsal.h"

#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using core::RehearsedStep;
using core::Verb;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

core::Rehearsal rehearse(const Scenario& s, Verb verb, const Names& names) {
    const core::RequestId request{77};
    return core::rehearse(s.engine(), core::Requested{request, verb, s.ids(names), true, {}},
                          request, s.now());
}

Lines text_of(const core::Rehearsal& rehearsal) {
    static const char* const kinds[] = {"stop", "start", "reload", "remove"};
    Lines lines;
    for (const RehearsedStep& step : rehearsal.steps) {
        lines.push_back(std::string(kinds[static_cast<std::size_t>(step.kind)]) + " " +
                        step.service + ": " + step.cause);
    }
    return lines;
}

TEST(Rehearsal, OfAStopTakesDependentsFirst) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up();
    const auto stop = rehearse(s, Verb::Stop, {"db"});
    EXPECT_THAT(text_of(stop), ElementsAre("stop web: stopped because db was stopped by request",
                                           "stop db: stopped by request"));
    EXPECT_THAT(stop.also, ElementsAre("web"));
    EXPECT_EQ(stop.outcomes.at(0).kind, core::Outcome::Kind::Done);
}

TEST(Rehearsal, ChangesNothing) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up();
    rehearse(s, Verb::Restart, {"db"});
    EXPECT_EQ(s.state("db"), "running");
    s.stop({"db"}).exits("web");
    EXPECT_THAT(s.last(), ElementsAre("reap web", "signal db SIGTERM", "signal db SIGCONT"));
}

TEST(Rehearsal, OfARestartBringsBackWhatItTook) {
    Scenario s({Service("db").notify(), Service("web").needs({"db"}).probed()});
    s.boot_up();
    EXPECT_THAT(
        text_of(rehearse(s, Verb::Restart, {"db"})),
        ElementsAre("stop web: stopped to be restarted because db was restarted",
                    "stop db: stopped to be restarted by request", "start db: restarted by request",
                    "start web: restarted because db was restarted"));
}

TEST(Rehearsal, OfAStartStartsWhatIsNeededFirst) {
    Scenario s({Service("db").disabled(), Service("init").oneshot().disabled(),
                Service("web").needs({"db", "init"}).disabled()});
    s.boot();
    const auto start = rehearse(s, Verb::Start, {"web"});
    EXPECT_THAT(text_of(start),
                ElementsAre("start db: started for web", "start init: started for web",
                            "start web: started by request"));
    EXPECT_THAT(start.also, ElementsAre("db", "init"));
}

TEST(Rehearsal, TellsThatSomethingIsInTheWay) {
    Scenario s({Service("db"), Service("web").needs({"db"}).disabled()});
    s.boot_up().exits("db", 1);
    const auto start = rehearse(s, Verb::Start, {"web"});
    EXPECT_THAT(start.steps, IsEmpty());
    EXPECT_EQ(start.outcomes.at(0).kind, core::Outcome::Kind::Failed);
    EXPECT_EQ(start.outcomes.at(0).cause, "waits for db (backoff)");
}

TEST(Rehearsal, LetsWhatIsUnderWayComeToItsEndFirst) {
    Scenario s({Service("db").probed(), Service("web").needs({"db"}).disabled()});
    s.boot().spawned("db").probe("db", false);
    EXPECT_THAT(text_of(rehearse(s, Verb::Start, {"web"})),
                ElementsAre("start web: started by request"));
    s.stop({"db"});
    EXPECT_THAT(text_of(rehearse(s, Verb::Start, {"db"})),
                ElementsAre("start db: started by request"));
}

TEST(Rehearsal, EndsAOneshotAsItsDefinitionTakesForWell) {
    Service job = Service("job").oneshot().disabled();
    job.made.policy.success_exit = {};
    job.success(3);
    Scenario s({job, Service("web").needs({"job"}).disabled()});
    s.boot();
    EXPECT_EQ(rehearse(s, Verb::Start, {"web"}).outcomes.at(0).kind, core::Outcome::Kind::Done);
}

TEST(Rehearsal, OfAReloadRunsItsCheck) {
    Scenario s({Service("web").reload_check({"/bin/check"}), Service("plain")});
    s.boot_up();
    const auto reload = rehearse(s, Verb::Reload, {"web", "plain"});
    EXPECT_THAT(text_of(reload), ElementsAre("reload web: checking before the reload"));
    EXPECT_EQ(reload.outcomes.at(1).kind, core::Outcome::Kind::Failed);
}

TEST(Rehearsal, OfGroupsAndOfWhatWaitsShowsThemToo) {
    Scenario s(
        {Service("all").group().needs({"a"}), Service("a").backoff({.initial = 1h, .jitter = 0})});
    s.boot_up().exits("a", 1);
    EXPECT_THAT(text_of(rehearse(s, Verb::Stop, {"a", "all"})),
                UnorderedElementsAre("stop all: stopped by request", "stop a: stopped by request"));
}

TEST(Rehearsal, OfAnotherPlanRemovesChangesAndAdds) {
    Scenario s({Service("gone"), Service("web")});
    s.boot_up();
    const core::PlanReplaced replaced{
        test::plan({Service("new"), Service("web").command({"/bin/w2"})}), false, {78}, true, {}};
    EXPECT_THAT(text_of(core::rehearse(s.engine(), replaced, {78}, s.now())),
                ElementsAre("stop gone: no longer configured",
                            "start new: started because the configuration changed",
                            "stop web: stopped to be restarted because its definition changed",
                            "remove gone: no longer configured",
                            "start web: restarted because its definition changed"));
}

}  // namespace
}  // namespace reeve::test
