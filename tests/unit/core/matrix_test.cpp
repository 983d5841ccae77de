#include <functional>

#include "tests/support/scenario.h"

/// Every event in every state: the rules that EngineWatch knows hold, and the machine can still be
/// brought to an end.
namespace reeve::test {
namespace {

using Step = std::function<void(Scenario&)>;
struct Named {
    const char* name;
    Step step;
};

/// `a` is what is looked at; `low` is below it and `top` above.
std::vector<Service> services() {
    return {Service("low"),
            Service("a").needs({"low"}).probed().reload_command({"r"}).stop_command({"s"}),
            Service("top").needs({"a"})};
}

std::vector<Service> with_a(const Service& a) {
    return {Service("low"), a, Service("top").needs({"a"})};
}

const Named states[] = {
    {"stopped", [](Scenario& s) { s.boot().stop({"a"}); }},
    {"waiting", [](Scenario& s) { s.boot(); }},
    {"stuck", [](Scenario& s) { s.boot().spawn_fails("low"); }},
    {"being spawned", [](Scenario& s) { s.boot().up("low"); }},
    {"probed", [](Scenario& s) { s.boot().up("low").spawned("a"); }},
    {"between probes", [](Scenario& s) { s.boot().up("low").spawned("a").probe("a", false); }},
    {"running", [](Scenario& s) { s.boot_up(); }},
    {"reloading", [](Scenario& s) { s.boot_up().reload({"a"}); }},
    {"held", [](Scenario& s) { s.boot_up().stop({"a"}); }},
    {"held to restart", [](Scenario& s) { s.boot_up().restart({"a"}); }},
    {"reloading and held", [](Scenario& s) { s.boot_up().reload({"a"}).stop({"a"}); }},
    {"stopping by command", [](Scenario& s) { s.boot_up().stop({"a"}).exits("top"); }},
    {"stopping by signal",
     [](Scenario& s) { s.boot_up().stop({"a"}).exits("top").command_ends("a", true); }},
    {"stopping to restart", [](Scenario& s) { s.boot_up().restart({"a"}).exits("top"); }},
    {"main process gone",
     [](Scenario& s) { s.boot_up().stop({"a"}).exits("top").exits("a", 0, true); }},
    {"killed", [](Scenario& s) { s.boot_up().stop({"a"}).exits("top").pass(10s); }},
    {"crash cleaned up", [](Scenario& s) { s.boot_up().exits("a", 1, true); }},
    {"crash cleaned up and held",
     [](Scenario& s) { s.boot_up().exits("a", 1, true).stop({"low"}); }},
    {"start timed out", [](Scenario& s) { s.boot().up("low").spawned("a").pass(60s); }},
    {"backoff", [](Scenario& s) { s.boot_up().exits("a", 1); }},
    {"failed",
     [](Scenario& s) {
         s.replace(with_a(Service("a").restart(config::RestartPolicy::Never).reload()));
         s.boot_up().exits("a", 1);
     }},
    {"done",
     [](Scenario& s) {
         s.replace(with_a(Service("a").oneshot().needs({"low"}).reload()));
         s.boot_up();
     }},
    {"removed",
     [](Scenario& s) {
         s.boot_up().replace({Service("low"), Service("top")});
     }},
    {"removed and held", [](Scenario& s) { s.boot_up().replace({}); }},
    {"shutting down", [](Scenario& s) { s.boot_up().shutdown(); }},
    {"shutting down by force", [](Scenario& s) { s.boot_up().shutdown().shutdown(); }},
};

core::RunId run_or_none(const Scenario& s) { return s.run("a") ? s.run("a") : core::RunId{999}; }
core::TaskId task_or_none(const Scenario& s) {
    return s.task("a") ? s.task("a") : core::TaskId{999};
}

const Named events[] = {
    {"start", [](Scenario& s) { s.start({"a"}); }},
    {"stop", [](Scenario& s) { s.stop({"a"}); }},
    {"restart", [](Scenario& s) { s.restart({"a"}); }},
    {"reload", [](Scenario& s) { s.reload({"a"}); }},
    {"start all",
     [](Scenario& s) {
         s.start({"a", "low", "top"});
     }},
    {"stop low", [](Scenario& s) { s.stop({"low"}); }},
    {"restart low", [](Scenario& s) { s.restart({"low"}); }},
    {"Spawned",
     [](Scenario& s) {
         s.event(core::Spawned{run_or_none(s), 7});
     }},
    {"SpawnFailed",
     [](Scenario& s) {
         // Nothing is spawned twice: only a run that is being spawned can fail so.
         const bool spawning = s.state("a") == "starting" && !s.unit("a").pid;
         if (spawning) s.spawn_fails("a");
     }},
    {"Exited well",
     [](Scenario& s) {
         s.event(core::Exited{run_or_none(s), ExitStatus::exited(0), false});
     }},
    {"Exited badly",
     [](Scenario& s) {
         s.event(core::Exited{run_or_none(s), ExitStatus::killed(SIGSEGV), false});
     }},
    {"Exited with leftovers",
     [](Scenario& s) {
         s.event(core::Exited{run_or_none(s), ExitStatus::exited(1), true});
     }},
    {"TreeEmptied", [](Scenario& s) { s.event(core::TreeEmptied{run_or_none(s)}); }},
    {"ReadyReported", [](Scenario& s) { s.event(core::ReadyReported{run_or_none(s)}); }},
    {"Notified",
     [](Scenario& s) { s.event(core::Notified{.run = run_or_none(s), .status = "x"}); }},
    {"ProbeAnswered yes",
     [](Scenario& s) {
         const bool probed = s.state("a") == "starting";
         s.event(
             core::ProbeAnswered{probed ? task_or_none(s) : core::TaskId{999}, Answer::Yes, ""});
     }},
    {"ProbeAnswered no",
     [](Scenario& s) {
         const bool probed = s.state("a") == "starting";
         s.event(
             core::ProbeAnswered{probed ? task_or_none(s) : core::TaskId{999}, Answer::No, "no"});
     }},
    {"CommandEnded well",
     [](Scenario& s) {
         const bool probed = s.state("a") == "starting";
         s.event(core::CommandEnded{probed ? core::TaskId{999} : task_or_none(s), true, ""});
     }},
    {"CommandEnded badly",
     [](Scenario& s) {
         const bool probed = s.state("a") == "starting";
         s.event(core::CommandEnded{probed ? core::TaskId{999} : task_or_none(s), false, "no"});
     }},
    {"DeadlinePassed", [](Scenario& s) { s.event(core::DeadlinePassed{}); }},
    {"time", [](Scenario& s) { s.pass(s.next().value_or(1s)); }},
    {"the same plan", [](Scenario& s) { s.replace(services(), true); }},
    {"another definition",
     [](Scenario& s) {
         s.replace(with_a(Service("a").command({"/bin/a2"}).needs({"low"})), true);
     }},
    {"another policy",
     [](Scenario& s) { s.replace(with_a(Service("a").notify().needs({"low"}))); }},
    {"a group instead",
     [](Scenario& s) { s.replace(with_a(Service("a").group().needs({"low"}))); }},
    {"a oneshot instead", [](Scenario& s) { s.replace(with_a(Service("a").oneshot())); }},
    {"removed",
     [](Scenario& s) {
         s.replace({Service("low"), Service("top")});
     }},
    {"all removed", [](Scenario& s) { s.replace({}); }},
    {"shutdown", [](Scenario& s) { s.shutdown(); }},
    {"low crashes",
     [](Scenario& s) {
         if (s.state("low") == "running") s.exits("low", 1);
     }},
    {"top crashes",
     [](Scenario& s) {
         if (s.state("top") == "running") s.exits("top", 1);
     }},
};

bool has(const Scenario& s, const std::string& name) {
    bool found = false;
    s.engine().units().for_each([&](const core::Unit& unit) { found |= unit.name() == name; });
    return found;
}

/// Everything is told to stop, and every process obeys.
void end(Scenario& s) {
    s.shutdown();
    for (int i = 0; i < 20 && s.engine().units().alive() > 0; ++i) {
        Lines names;
        s.engine().units().for_each([&](const core::Unit& unit) {
            if (core::run_of(unit.state())) names.push_back(unit.name());
        });
        for (const std::string& name : names) {
            if (!has(s, name)) continue;
            const auto* stopping = std::get_if<core::Stopping>(&s.unit(name).state());
            if (stopping == nullptr) continue;
            stopping->main_gone ? s.tree_empties(name) : s.exits(name);
        }
    }
    EXPECT_EQ(s.engine().units().alive(), 0u);
    EXPECT_EQ(s.open_requests(), 0u);
    EXPECT_THAT(s.take(), ::testing::Contains(::testing::StartsWith("finish 0")));
}

TEST(Matrix, EveryEventInEveryStateKeepsTheRules) {
    for (const Named& state : states) {
        for (const Named& event : events) {
            SCOPED_TRACE(std::string(event.name) + " when " + state.name);
            Scenario s(services());
            state.step(s);
            event.step(s);
            end(s);
        }
    }
}

TEST(Matrix, EveryTwoEventsInEveryStateKeepTheRules) {
    for (const Named& state : states) {
        for (const Named& first : events) {
            for (const Named& second : events) {
                Scenario s(services());
                state.step(s);
                first.step(s);
                if (!has(s, "a") || !has(s, "low") || !has(s, "top")) continue;
                SCOPED_TRACE(std::string(first.name) + ", " + second.name + " when " + state.name);
                second.step(s);
                end(s);
                if (::testing::Test::HasFailure()) return;
            }
        }
    }
}

}  // namespace
}  // namespace reeve::test
