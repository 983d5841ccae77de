// What a recorder has written is what its successor reads.
#include "supervisor/state/recorder.h"

#include "supervisor/core/policy.h"
#include "supervisor/state/definitions.h"
#include "supervisor/state/store.h"
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

TEST(Recorder, HasTheConfigurationForASuccessorThatCannotReadItsOwn) {
    const Folder folder;
    EXPECT_FALSE(state::former_plan(folder / "state"));
    config::Plan before = *plan({Service("db").oneshot(), Service("web").needs({"db"})});
    before.supervisor.log_dir = "/var/log/we'ird";
    before.supervisor.log.level = config::LogLevel::Warning;
    before.supervisor.socket.mode = 0666;
    before.supervisor.shutdown_timeout = 7s;
    before.files = {"/etc/reeve/a.yaml", "/etc/reeve/b.yaml"};
    {
        core::Engine engine = booted(std::make_shared<const config::Plan>(before));
        Recording first(folder / "state");
        first.recorder.open(engine.units().plan_ptr());
        EXPECT_FALSE(state::former_plan(folder / "state")) << "it has not begun";
        first.recorder.write(engine);
    }
    const auto former = state::former_plan(folder / "state");
    ASSERT_TRUE(former);
    EXPECT_EQ((*former)->supervisor, before.supervisor);
    EXPECT_EQ((*former)->files, before.files);
    ASSERT_EQ((*former)->services.size(), 2u);
    for (std::size_t i : {0, 1}) {
        EXPECT_EQ(state::written_definition(*(*former)->services[i]),
                  state::written_definition(*before.services[i]));
    }
    // With it, the successor has nothing to change.
    Recording second(folder / "state");
    EXPECT_EQ(second.recorder.open(*former)->plan, *former);
    EXPECT_THAT(second.problems, IsEmpty());
}

/// What a successor with this configuration finds.
std::optional<state::Predecessor> found_by(const std::string& path, const config::PlanPtr& now,
                                           std::size_t problems = 0) {
    Recording successor(path);
    auto found = successor.recorder.open(now);
    EXPECT_EQ(successor.problems.size(), problems) << ::testing::PrintToString(successor.problems);
    return found;
}

const core::UnitSnapshot* unit_of(const state::Predecessor& found, const std::string& name) {
    for (const core::UnitSnapshot& unit : found.units) {
        if (unit.definition->name == name) return &unit;
    }
    return nullptr;
}

core::Engine engine_of(const state::Predecessor& found) {
    return core::Engine(found.plan, found.engine, found.units);
}

/// Gives the value of a record another text, whole and committed.
void rewrite(const std::string& path, const state::Key& key, std::optional<std::string> text) {
    state::Contents contents;
    auto store = state::Store::open(path, state::Origin::here(), contents);
    ASSERT_TRUE(store);
    ASSERT_TRUE(store->apply({{key, std::move(text)}}));
}

struct Written {
    explicit Written(const config::PlanPtr& plan) : engine(booted(plan)), first(path) {
        first.recorder.open(plan);
        first.recorder.write(engine);
    }
    void happens(const core::Event& event, Time at = Time(2s)) {
        (void)engine.handle(event, at);
        first.recorder.write(engine);
    }
    Folder folder;
    std::string path = folder / "state";
    core::Engine engine;
    Recording first;
};

TEST(Recorder, KeepsTheOldDefinitionsWhereTheConfigurationIsAnotherOne) {
    Written w(plan({Service("db"), Service("old").conflicts({"db"}),
                    Service("web@1").needs({"db"}).wants({"gone"}).command({"/bin/w", "$x\n"})}));
    const auto now = plan({Service("db"), Service("web@1").command({"/bin/other"})});
    const auto found = found_by(w.path, now);
    ASSERT_TRUE(found);
    const config::Plan &then = *found->plan, &was = w.engine.units().plan();
    ASSERT_EQ(then.services.size(), 3u);
    EXPECT_EQ(then.services[0], now->services[0]);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(then.services[i]->name, was.services[i]->name);
        EXPECT_EQ(then.services[i]->execution, was.services[i]->execution);
        EXPECT_EQ(then.services[i]->relations, was.services[i]->relations);
        EXPECT_EQ(then.links[i].requires_, was.links[i].requires_);
        EXPECT_EQ(then.links[i].conflicts, was.links[i].conflicts);
    }
    EXPECT_EQ(unit_of(*found, "old")->definition, then.services[1]);
}

TEST(Recorder, KnowsARunOfAServiceThatTheConfigurationLacks) {
    Written w(plan({Service("db"), Service("web").needs({"db"})}));
    w.happens(core::Spawned{core::run_of(w.engine.units().find("db")->state()), 12});
    const state::Run run = run_of(w.engine, "web");
    w.first.recorder.write(run);
    w.happens(core::PlanReplaced{plan({Service("db")})});
    const auto found = found_by(w.path, plan({Service("db")}));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->plan->services.size(), 1u);
    const core::UnitSnapshot* web = unit_of(*found, "web");
    ASSERT_NE(web, nullptr);
    EXPECT_TRUE(web->memory.removed);
    EXPECT_EQ(core::run_of(web->state), run.id);
    ASSERT_EQ(found->runs.size(), 1u);
    EXPECT_EQ(found->runs[0].definition->execution, run.definition->execution);
    EXPECT_EQ(found->runs[0].definition->relations, run.definition->relations);
}

TEST(Recorder, WritesServicesThatAreTheSameButOnce) {
    Written w(plan({Service("db"), Service("web")}));
    const std::string before = read_bytes(w.path);
    w.happens(core::PlanReplaced{plan({Service("db"), Service("web")})});
    EXPECT_EQ(read_bytes(w.path), before);
}

TEST(Recorder, LetsGoOfDefinitionsThatNobodyHasAnyMore) {
    Written w(plan({Service("web").description("first")}));
    const auto count = [&] {
        state::Contents contents;
        auto store = state::Store::open(w.folder / "copy", state::Origin::here(), contents);
        return std::count_if(contents.records.begin(), contents.records.end(), [](auto& record) {
            return record.first.kind == state::Kind::Definition;
        });
    };
    for (const char* words : {"second", "third", "fourth"}) {
        w.happens(core::PlanReplaced{plan({Service("web").description(words)})});
    }
    w.happens(core::Requested{{}, core::Verb::Stop, {{1}}, true, {}});
    write_bytes(w.folder / "copy", read_bytes(w.path));
    EXPECT_EQ(count(), 1);
}

TEST(Recorder, ForgetsWhatIsErased) {
    Written w(plan({Service("web")}));
    const state::Run run = run_of(w.engine, "web");
    const state::Command command{.id = {7}, .run = run.id, .tree = *run.tree};
    w.first.recorder.write(run);
    w.first.recorder.write(command);
    w.first.recorder.erase(run.id);
    w.first.recorder.erase(command.id);
    const auto found = found_by(w.path, w.engine.units().plan_ptr());
    EXPECT_THAT(found->runs, IsEmpty());
    EXPECT_THAT(found->commands, IsEmpty());
    w.first.recorder.remove();
    EXPECT_FALSE(std::filesystem::exists(w.path));
    w.first.recorder.write(run);
    EXPECT_FALSE(std::filesystem::exists(w.path));
}

TEST(Recorder, WritesNothingWithoutAPath) {
    const auto now = plan({Service("web")});
    core::Engine engine = booted(now);
    Recording none("");
    EXPECT_FALSE(none.recorder.open(now));
    none.recorder.write(engine);
    none.recorder.write(run_of(engine, "web"));
    none.recorder.remove();
    EXPECT_THAT(none.problems, IsEmpty());
}

TEST(Recorder, TellsOnceThatItCannotWriteAndMakesUpForItLater) {
    const Folder folder;
    const auto now = plan({Service("web")});
    core::Engine engine = booted(now);
    Recording first(folder / "missing/state");
    EXPECT_FALSE(first.recorder.open(now));
    first.recorder.write(engine);
    const state::Run run = run_of(engine, "web");
    first.recorder.write(run);
    EXPECT_THAT(first.problems, ElementsAre(HasSubstr("No such file or directory")));
    std::filesystem::create_directory(folder / "missing");
    first.recorder.write(engine);
    const auto found = found_by(folder / "missing/state", now);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->units, units_of(engine));
    EXPECT_THAT(found->runs, ElementsAre(run));
    EXPECT_EQ(first.problems.size(), 1u);
}

TEST(Recorder, PutsBackAFileThatWasDeletedAndSaysSo) {
    Written w(plan({Service("web")}));
    w.first.recorder.restore();
    EXPECT_THAT(w.first.problems, IsEmpty());
    std::filesystem::remove(w.path);
    w.first.recorder.restore();
    EXPECT_THAT(w.first.problems, ElementsAre(HasSubstr("was gone; it is put back")));
    w.first.recorder.write(run_of(w.engine, "web"));
    const auto found = found_by(w.path, w.engine.units().plan_ptr());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->units, units_of(w.engine));
    EXPECT_EQ(found->runs.size(), 1u);
}

TEST(Recorder, MixesNothingIntoItsOwnOfWhatItCouldNotReadAtFirst) {
    Written w(plan({Service("db"), Service("old"), Service("web")}));
    std::filesystem::create_directory(w.folder / "folder");
    const std::string path = w.folder / "folder/state";
    const auto now = plan({Service("web")});
    core::Engine engine = booted(now);
    std::filesystem::rename(w.folder / "folder", w.folder / "away");
    Recording first(path);
    EXPECT_FALSE(first.recorder.open(now));
    std::filesystem::rename(w.folder / "away", w.folder / "folder");
    write_bytes(path, read_bytes(w.path));
    first.recorder.write(engine);
    const auto found = found_by(path, now);
    EXPECT_EQ(found->plan, now);
    EXPECT_EQ(found->units, units_of(engine));
}

TEST(Recorder, MissesNoMoreThanTheServiceWhoseRecordIsDamaged) {
    Written w(plan({Service("db"), Service("web")}));
    rewrite(w.path, {state::Kind::Unit, 2}, R"({"id":2,"state":{"is":77}})");
    const auto refused = state::can_resume(w.path);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().text(),
                HasSubstr("its record of service 2: its state.is cannot be used"));
    const auto found = found_by(w.path, w.engine.units().plan_ptr(), 1);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->units.size(), 1u);
    core::Engine engine = engine_of(*found);
    EXPECT_EQ(core::name_of(engine.units().find("web")->state()), "stopped");
    EXPECT_EQ(engine.units().find("web")->id().value, 3u);
    // It is told once, and gone then.
    (void)found_by(w.path, w.engine.units().plan_ptr());
}

TEST(Recorder, DropsWhatRefersToADefinitionThatCannotBeRead) {
    Written w(plan({Service("db"), Service("web")}));
    rewrite(w.path, {state::Kind::Definition, 2}, R"({"name":"web","text":"services: 7"})");
    const auto found = found_by(w.path, w.engine.units().plan_ptr(), 2);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->plan->services.size(), 1u);
    EXPECT_EQ(found->units.size(), 1u);
}

TEST(Recorder, TakesTheServicesForThePlanWhereThatIsLost) {
    Written w(plan({Service("db"), Service("web")}));
    rewrite(w.path, {state::Kind::Plan}, std::nullopt);
    rewrite(w.path, {state::Kind::Engine}, std::nullopt);
    const auto found = found_by(w.path, w.engine.units().plan_ptr(), 2);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->plan, w.engine.units().plan_ptr());
    EXPECT_EQ(found->engine.numbers, w.engine.snapshot().numbers);
}

TEST(Recorder, MakesNoEngineOfRecordsThatContradictOneAnother) {
    const auto now = plan({Service("db"), Service("web")});
    const auto problems_with = [&](std::uint64_t number, const std::string& text) {
        Written w(now);
        rewrite(w.path, {state::Kind::Unit, number}, text);
        const auto found = found_by(w.path, now, 1);
        (void)engine_of(*found);
        return found->units.size();
    };
    EXPECT_EQ(problems_with(3, R"({"id":3,"definition":1})"), 2u);
    EXPECT_EQ(problems_with(3, R"({"id":4,"definition":1})"), 2u);
    EXPECT_EQ(problems_with(0, R"({"definition":1})"), 2u);
    EXPECT_EQ(problems_with(2, R"({"id":2})"), 1u);
    EXPECT_EQ(problems_with(2, R"({"id":2,"definition":2,"state":{"is":3,"run":1}})"), 1u);
    EXPECT_EQ(problems_with(1ull << 40, R"({"id":1099511627776,"definition":2})"), 2u);
    const std::string same_run = R"({"id":2,"definition":2,"memory":{"run_definition":2},)"
                                 R"("state":{"is":3,"run":1}})";
    EXPECT_EQ(problems_with(2, same_run), 1u);
}

TEST(Recorder, MakesAnEngineOfWhateverIsInTheFile) {
    Written w(plan({Service("db").probed(), Service("web").needs({"db"})}));
    w.happens(core::Spawned{{1}, 12});
    state::Contents contents;
    (void)state::Store::open(w.path, state::Origin::here(), contents);
    std::vector<std::pair<state::Key, std::string>> records;
    for (const auto& [key, extent] : contents.records) {
        records.emplace_back(key, contents.value(extent));
    }
    core::Random random(1);
    const std::string path = w.folder / "changed", whole = read_bytes(w.path);
    for (int turn = 0; turn < 3000; ++turn) {
        write_bytes(path, whole);
        for (int n = 0; n < 2; ++n) {
            auto [key, text] = records[random.next() % records.size()];
            const std::size_t at = random.next() % text.size();
            if (random.next() % 4 == 0) {
                text.erase(at, random.next() % 40);
            } else {
                text[at] = "0123456789,:{}[]\"-ab"[random.next() % 20];
            }
            rewrite(path, key, text);
        }
        Recording successor(path);
        const auto found = successor.recorder.open(w.engine.units().plan_ptr());
        if (!found) continue;
        core::Engine engine = engine_of(*found);
        EXPECT_EQ(engine.units().plan().services.size(), found->plan->services.size());
        successor.recorder.write(engine);
        EXPECT_EQ(found_by(path, found->plan)->units.size(), units_of(engine).size());
    }
}

TEST(Recorder, CanResumeOnlyFromAFileOfStates) {
    const Folder folder;
    EXPECT_THAT(state::can_resume(folder / "none").error().text(),
                HasSubstr("No such file or directory"));
    write_bytes(folder / "other", std::string(1000, 'x'));
    EXPECT_THAT(state::can_resume(folder / "other").error().text(),
                HasSubstr("it is no file of states"));
    write_bytes(folder / "empty", "");
    EXPECT_THAT(state::can_resume(folder / "empty").error().text(), HasSubstr("it is empty"));
}

}  // namespace
}  // namespace reeve::test
