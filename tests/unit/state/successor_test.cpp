// An engine that was rebuilt from a file after any of its events is as the one that lives on, and
// so is one that was rebuilt from that.
#include <utility>

#include "base/overloaded.h"
#include "supervisor/core/policy.h"
#include "tests/support/plan_builder.h"
#include "tests/support/records.h"
#include "tests/unit/state/support.h"

namespace reeve::test {
namespace {

using namespace core;
using ::testing::IsEmpty;

/// Happenings at random that fit the state of some service.
class Life {
  public:
    explicit Life(std::uint64_t seed) : random_(seed), now_(1h) {}

    Event next(const Engine& engine) {
        now_ += std::chrono::milliseconds(below(1500));
        if (below(8) == 0) return DeadlinePassed{};
        if (below(20) == 0) return PlanReplaced{some_plan(), below(2) == 0};
        std::vector<const Unit*> units;
        engine.units().for_each([&](const Unit& unit) { units.push_back(&unit); });
        const Unit& unit = *units[below(units.size())];
        if (below(6) == 0 || !unit.alive()) return request(unit);
        const std::vector<TaskId> tasks = tasks_of(unit.state());
        if (!tasks.empty()) return end_of_task(unit, tasks[below(tasks.size())]);
        return of_run(unit);
    }
    Time now() const { return now_; }

    config::PlanPtr some_plan() {
        std::vector<Service> services;
        const auto maybe = [&](Service service) {
            if (below(5) != 0) services.push_back(std::move(service));
        };
        Service db("db"), web("web@1"), job("job"), old("old"), all("all");
        if (below(2) == 0) db.description("more or less");
        if (below(2) == 0) db.command({"/bin/db", "$HOME\n\"x\""});
        maybe(db.notify().reload().watchdog(5s).pre_stop({"/bin/quit"}));
        web.wants({"db", "gone"}).probed().pre_start({"/bin/prepare"}).post_stop({"/bin/clean"});
        if (below(3) == 0) web.conflicts({"old"});
        maybe(web.reload_command({"/bin/reload"}).health({}).limit(3, 1min));
        maybe(job.oneshot().after({"db"}));
        maybe(old.forking("/run/old.pid").stop_command({"/bin/stop"}).stop_timeout(2s));
        all.group().wants({"job", "web@1"}).made.policy.backoff = {};
        maybe(all);
        services.push_back(Service("last"));
        return plan(services);
    }

  private:
    std::uint64_t below(std::uint64_t limit) { return random_.next() % limit; }

    Event request(const Unit& unit) {
        const Verb verb =
            std::array{Verb::Start, Verb::Stop, Verb::Restart, Verb::Reload}[below(4)];
        return Requested{{}, verb, {unit.id()}, false, {}};
    }
    Event end_of_task(const Unit& unit, TaskId task) {
        const auto* starting = std::get_if<Starting>(&unit.state());
        const bool probe = std::holds_alternative<Running>(unit.state()) ||
                           (starting != nullptr && starting->readiness.task == task);
        const bool good = below(3) != 0;
        if (probe) {
            return ProbeAnswered{task,
                                 good ? ProbeAnswered::Answer::Yes : ProbeAnswered::Answer::No,
                                 good ? "" : "refused"};
        }
        return CommandEnded{task, good, good ? "" : "exit 1"};
    }
    Event of_run(const Unit& unit) {
        const RunId run = run_of(unit.state());
        const auto* starting = std::get_if<Starting>(&unit.state());
        if (starting != nullptr && starting->step == StartStep::Launch) {
            if (below(10) == 0) return SpawnFailed{run, "exec: no such file", true};
            if (!unit.pid) return Spawned{run, ++pid_};
            const bool forks = unit.definition->execution.type == config::ServiceType::Forking;
            if (forks) return ParentExited{run, ExitStatus::exited(0), true};
        }
        if (starting != nullptr && starting->step == StartStep::FindMain) {
            return MainFound{run, ++pid_};
        }
        const auto* stopping = std::get_if<Stopping>(&unit.state());
        if (stopping != nullptr && stopping->main_gone) return TreeEmptied{run};
        if (below(2) == 0) {
            Notified said{.run = run, .ready = true};
            said.status = "at \xff work";
            said.reloading = below(6) == 0;
            return said;
        }
        const ResourceUsage usage{1ms, 2ms, 4096};
        const ExitStatus status =
            below(2) == 0 ? ExitStatus::exited(0) : ExitStatus::killed(9, true);
        return Exited{run, status, below(2) == 0, usage, below(2) == 0};
    }

    Random random_;
    Time now_;
    int pid_ = 1;
};

/// A definition that was read anew is not the same object, nor are those who have it.
UnitSnapshot without_definitions(UnitSnapshot unit) {
    unit.definition.reset();
    unit.memory.run_definition.reset();
    return unit;
}

void expect_same(const Engine& rebuilt, const Engine& lived) {
    EXPECT_EQ(rebuilt.snapshot(), lived.snapshot());
    std::size_t known = 0;
    rebuilt.units().for_each([&](const Unit&) { ++known; });
    lived.units().for_each([&](const Unit& unit) {
        --known;
        const Unit* other = rebuilt.units().find(unit.id());
        ASSERT_NE(other, nullptr) << unit.name();
        EXPECT_EQ(without_definitions(other->snapshot()), without_definitions(unit.snapshot()))
            << unit.name();
        const auto expect_same_definition = [](const config::ServicePtr& a,
                                               const config::ServicePtr& b) {
            ASSERT_EQ(!a, !b);
            if (!a) return;
            EXPECT_EQ(a->name, b->name);
            EXPECT_TRUE(a->execution == b->execution) << a->name;
            EXPECT_TRUE(a->policy == b->policy) << a->name;
            EXPECT_TRUE(a->relations == b->relations) << a->name;
        };
        expect_same_definition(other->definition, unit.definition);
        expect_same_definition(other->run_definition, unit.run_definition);
    });
    EXPECT_EQ(known, 0u);
}

TEST(Successor, IsAsTheOneThatLivesOnWhateverHappened) {
    const Folder folder;
    const std::string path = folder / "state", copy = folder / "copy";
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 10 && !::testing::Test::HasFailure(); ++seed) {
        Life life(seed);
        auto engine = std::make_unique<Engine>(life.some_plan(), seed);
        auto recording = std::make_unique<Recording>(path);
        EXPECT_FALSE(recording->recorder.open(engine->units().plan_ptr()));
        (void)engine->handle(BootAsked{}, life.now());
        recording->recorder.write(*engine);
        for (int turn = 0; turn < 200 && !::testing::Test::HasFailure(); ++turn) {
            const Event event = life.next(*engine);
            (void)engine->handle(event, life.now());
            recording->recorder.write(*engine);
            EXPECT_THAT(recording->problems, IsEmpty());
            engine->units().for_each(
                [&](const Unit& unit) { seen.emplace(core::name_of(unit.state())); });
            write_bytes(copy, read_bytes(path));
            // Sometimes the configuration is another one by then.
            const bool edited = turn % 3 == 0;
            Recording reading(copy);
            const auto found =
                reading.recorder.open(edited ? life.some_plan() : engine->units().plan_ptr());
            EXPECT_THAT(reading.problems, IsEmpty());
            ASSERT_TRUE(found);
            EXPECT_TRUE(edited || found->plan == engine->units().plan_ptr());
            auto rebuilt = std::make_unique<Engine>(found->plan, found->engine, found->units);
            expect_same(*rebuilt, *engine);
            if (turn % 7 != 0) continue;
            // The successor is the one that lives on.
            recording = std::make_unique<Recording>(path);
            const auto taken = recording->recorder.open(found->plan);
            ASSERT_TRUE(taken);
            engine = std::make_unique<Engine>(taken->plan, taken->engine, taken->units);
            recording->recorder.write(*engine);
        }
        recording->recorder.remove();
    }
    EXPECT_EQ(seen.size(), 9u) << ::testing::PrintToString(seen);
}

}  // namespace
}  // namespace reeve::test
