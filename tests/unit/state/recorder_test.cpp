// What a recorder has written is what its successor reads.
#include "supervisor/state/recorder.h"

#include "tests/support/scenario.h"
#include "tests/unit/state/support.h"

namespace reeve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

core::Engine booted(const config::PlanPtr& plan) {
    core::Engine engine(plan, 1);
    (void)engine.handle(core::BootAsked{}, Time(1s));
    return engine;
}

std::vector<core::UnitSnapshot> units_of(const core::Engine& engine) {
    std::vector<core::UnitSnapshot> units;
    engine.units().for_each([&](const core::Unit& unit) { units.push_back(unit.snapshot()); });
    return units;
}

state::Run run_of(const core::Engine& engine, const std::string& name) {
    const core::Unit& unit = *engine.units().find(name);
    state::Run run;
    run.id = core::run_of(unit.state());
    run.definition = unit.run_definition;
    run.invocation_id = "0123456789abcdef";
    run.directories = {{"RUNTIME_DIRECTORY", "/run/we\xffird"}};
    run.tree.emplace().kind = state::Tree::Kind::Cgroup;
    run.tree->first = {12, 3456};
    return run;
}

TEST(Recorder, FindsNothingWhereNothingWasWritten) {
    const Folder folder;
    Recording first(folder / "state");
    EXPECT_FALSE(first.recorder.open(plan({Service("web")})));
    EXPECT_THAT(first.problems, IsEmpty());
}

TEST(Recorder, GivesASuccessorThePlanItHasAndAllThatItsPredecessorKnew) {
    const Folder folder;
    const auto now = plan({Service("db").oneshot(), Service("web").needs({"db"}).health({})});
    core::Engine engine = booted(now);
    Recording first(folder / "state");
    first.recorder.open(now);
    first.recorder.write(engine);
    const state::Run run = run_of(engine, "db");
    first.recorder.write(run);
    const state::Command command{.id = {7}, .run = run.id, .tree = *run.tree, .probe = true};
    first.recorder.write(command);

    Recording second(folder / "state");
    const auto found = second.recorder.open(now);
    EXPECT_THAT(second.problems, IsEmpty());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->plan, now);
    core::Engine::Snapshot snapshot = engine.snapshot();
    snapshot.numbers.task = 7;
    EXPECT_EQ(found->engine, snapshot);
    EXPECT_EQ(found->units, units_of(engine));
    EXPECT_THAT(found->runs, ElementsAre(run));
    EXPECT_THAT(found->commands, ElementsAre(command));
    EXPECT_EQ(*state::can_resume(folder / "state"), 2u);
}

}  // namespace
}  // namespace reeve::test
