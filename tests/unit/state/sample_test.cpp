// What the first version wrote is read by every later one.
#include <cstring>

#include "supervisor/state/store_format.h"
#include "tests/support/plan_builder.h"
#include "tests/unit/state/support.h"

namespace reeve::test {
namespace {

using namespace core;

using ::testing::ElementsAre;

const std::string sample_path = REEVE_SOURCE_DIR "/tests/unit/state/state-1.bin";

config::PlanPtr sample_plan() {
    return plan({Service("cache").conflicts({"other"}), Service("db").notify().watchdog(5s),
                 Service("job").oneshot(), Service("web@1").needs({"db"}).pre_stop({"/bin/quit"})});
}

Memory sample_memory(const config::ServicePtr& definition) {
    Memory memory;
    memory.run_definition = definition;
    memory.goal = Goal::Up;
    memory.origin = "started at boot";
    memory.status_text = "at \xff work";
    memory.pid = 12;
    memory.started = Time(3s);
    memory.was_ready = true;
    memory.watchdog = 5s;
    memory.last_run = {ExitStatus::killed(11, true), Time(2s), true, ResourceUsage{1s, 2s, 3},
                       false};
    memory.history = {2, 1, {Time(1s), Time(2s)}};
    memory.last_exit = LastExit{ExitStatus::exited(1), Time(2s), 1s};
    memory.failures = {{"exit 1", Time(1s), memory.last_run}};
    memory.ended_runs = {{Time(1s), Time(2s), ExitStatus::unknown(), 11}};
    memory.stops_after = {{1}, {2}};
    return memory;
}

std::vector<UnitSnapshot> sample_units(const config::Plan& plan) {
    const auto& services = plan.services;
    const auto unit = [&](std::uint64_t id, State state) {
        const config::ServicePtr& definition = services[(id - 1) % services.size()];
        return UnitSnapshot{{id},  definition, sample_memory(definition),
                            state, "a cause",  Time(4s)};
    };
    Starting starting{.run = {5}, .step = StartStep::AwaitReady, .deadline = Time(60s)};
    starting.readiness = {.due = Time(5s)};
    Running running{.run = {6}};
    running.watch = {.health = {}, .failures = 2, .watchdog = Time(9s)};
    Stopping stopping{.run = {7}, .reason = StopReason::Hung, .step = StopStep::PreStop};
    stopping.command = {3};
    return {unit(1, starting), unit(2, running), unit(3, Backoff{Time(7s)}), unit(4, stopping)};
}

state::Run sample_run(const config::Plan& plan) {
    state::Run run;
    run.id = {6};
    run.definition = plan.services[1];
    run.invocation_id = "0123456789abcdef0123456789abcdef";
    run.directories = {{"RUNTIME_DIRECTORY", "/run/d\xfe"}};
    run.started_wall = WallTime(1'700'000'000s);
    run.started = Time(3s);
    run.notify_socket = "@reeve";
    run.ready_fifo = "/run/reeve/ready";
    run.tree = state::Tree{state::Tree::Kind::Keeper, 9, "db", {13, 130}, {12, 120}, {14, 140}};
    run.end = state::End{14, ExitStatus::killed(9), {1s, 2s, 3}, true};
    return run;
}

state::Command sample_command(const config::Plan& plan) {
    return {{3}, {7}, *sample_run(plan).tree, false, true, {{true, "exit 0"}}};
}

const Engine::Snapshot sample_engine{
    {4, 7, 3}, 0xfedcba9876543210, true, Engine::Shutdown{1, Time(60s), true}};

/// The file as if it were of that origin.
std::string moved_to(const state::Origin& origin, std::string bytes) {
    state::FileHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    header.pid_namespace = origin.pid_namespace;
    header.boot_id = {};
    origin.boot_id.copy(header.boot_id.data(), header.boot_id.size());
    header.crc = state::crc_of(header);
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes;
}

/// Makes the file that the test below reads: for the version that is the present one.
TEST(Sample, DISABLED_IsWritten) {
    const Folder folder;
    const std::string path = folder / "state";
    const auto now = sample_plan();
    Recording writer(path);
    writer.recorder.open(now);
    Engine engine(now, sample_engine, sample_units(*now));
    writer.recorder.write(engine);
    writer.recorder.write(sample_run(*now));
    writer.recorder.write(sample_command(*now));
    std::string bytes = read_bytes(path);
    bytes.resize((bytes.find_last_not_of('\0') / state::block_size + 1) * state::block_size);
    write_bytes(sample_path, moved_to({"a boot", 1, 0}, bytes));
}

TEST(Sample, OfVersion1IsRead) {
    const Folder folder;
    const std::string bytes = read_bytes(sample_path);
    ASSERT_GT(bytes.size(), state::block_size);
    EXPECT_EQ(bytes[offsetof(state::FileHeader, version)], 1);
    write_bytes(folder / "state", moved_to(state::Origin::here(), bytes));

    EXPECT_EQ(*state::can_resume(folder / "state"), 4u);
    const auto now = sample_plan();
    Recording reader(folder / "state");
    auto found = reader.recorder.open(now);
    EXPECT_THAT(reader.problems, ::testing::IsEmpty());
    ASSERT_TRUE(found);
    // Definitions need not be the same objects: a later version may write them otherwise.
    ASSERT_EQ(found->plan->services.size(), now->services.size());
    const auto expect_same = [](config::ServicePtr& then, const config::ServicePtr& known) {
        EXPECT_EQ(then->name, known->name);
        EXPECT_TRUE(then->execution == known->execution);
        EXPECT_TRUE(then->relations == known->relations);
        then = known;
    };
    ASSERT_EQ(found->units.size(), 4u);
    for (std::size_t i = 0; i < 4; ++i) {
        expect_same(found->units[i].definition, now->services[i]);
        expect_same(found->units[i].memory.run_definition, now->services[i]);
    }
    EXPECT_EQ(found->units, sample_units(*now));
    EXPECT_EQ(found->engine, sample_engine);
    ASSERT_EQ(found->runs.size(), 1u);
    expect_same(found->runs[0].definition, now->services[1]);
    EXPECT_THAT(found->runs, ElementsAre(sample_run(*now)));
    EXPECT_THAT(found->commands, ElementsAre(sample_command(*now)));
}

}  // namespace
}  // namespace reeve::test
