#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include "supervisor/core/engine.h"
#include "tests/support/plan_builder.h"

/// Ten thousand services are a supported size: what an event costs must follow from what it
/// touches. Times are compared with each other, on the same machine at the same moment, with much
/// room: linear against quadratic is a factor of ten here, not of two.
namespace reeve::test {
namespace {

using namespace core;

std::string nth(int i) {
    std::string digits = std::to_string(i);
    return "s" + std::string(6 - digits.size(), '0') + digits;
}

std::vector<Service> chain(int n) {
    std::vector<Service> services;
    for (int i = 0; i < n; ++i) {
        services.emplace_back(nth(i));
        if (i > 0) services.back().needs({nth(i - 1)});
    }
    return services;
}

std::vector<Service> hub(int n) {
    std::vector<Service> services{Service("hub")};
    for (int i = 0; i < n; ++i) services.push_back(Service(nth(i)).needs({"hub"}));
    return services;
}

std::vector<Service> group(int n, bool requires_) {
    std::vector<Service> services{Service("all").group()};
    Names names;
    for (int i = 0; i < n; ++i) {
        services.emplace_back(nth(i));
        names.push_back(nth(i));
    }
    requires_ ? services.front().needs(names) : services.front().wants(names);
    return services;
}

/// A world in which every process comes up at once and ends when told to.
class Smooth {
  public:
    explicit Smooth(config::PlanPtr plan) : engine(std::move(plan), 1) {}

    /// Tells the event and all that follows from it; how many events that were.
    int run(const Event& event) {
        std::vector<Event> events{event};
        int count = 0;
        for (; static_cast<std::size_t>(count) < events.size(); ++count) {
            // A copy: what follows is put behind it.
            const Event next = events[static_cast<std::size_t>(count)];
            for (const Action& action : engine.handle(next, now)) answer(action, events);
        }
        return count;
    }

    Engine engine;
    Time now{1h};
    int finished = 0;

  private:
    void answer(const Action& action, std::vector<Event>& events) {
        if (const auto* spawn = std::get_if<Spawn>(&action)) {
            events.push_back(Spawned{spawn->run, 1});
        } else if (const auto* signal = std::get_if<Signal>(&action)) {
            if (signal->signal == SIGCONT) return;
            events.push_back(Exited{signal->run, ExitStatus::killed(SIGTERM), false});
        } else if (std::holds_alternative<Finish>(action)) {
            ++finished;
        }
    }
};

double processor_seconds() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// The least of several measurements of our own processor time: what the machine does beside does
/// not count.
template <typename F>
double seconds(F&& f) {
    double least = 1e9;
    for (int i = 0; i < 5; ++i) {
        const double begin = processor_seconds();
        f();
        least = std::min(least, processor_seconds() - begin);
    }
    return least;
}

double boot_and_stop(const std::vector<Service>& services) {
    const config::PlanPtr made = plan(services);
    return seconds([&] {
        Smooth world(made);
        world.run(BootAsked{});
        EXPECT_EQ(world.engine.units().alive(), services.size());
        world.run(ShutdownAsked{});
        EXPECT_EQ(world.finished, 1);
    });
}

/// Ten times the services may take ten times as long, with some more for caches, not a hundred.
void expect_linear(double small, double large) { EXPECT_LT(large, 40 * small + 0.02); }

TEST(Scale, BootAndStopOfAChainIsLinear) {
    expect_linear(boot_and_stop(chain(1'000)), boot_and_stop(chain(10'000)));
}

TEST(Scale, BootAndStopOfAHubsDependentsIsLinear) {
    expect_linear(boot_and_stop(hub(1'000)), boot_and_stop(hub(10'000)));
}

TEST(Scale, BootAndStopOfAGroupsRequirementsIsLinear) {
    expect_linear(boot_and_stop(group(1'000, true)), boot_and_stop(group(10'000, true)));
}

TEST(Scale, BootAndStopOfWhatAGroupWantsIsLinear) {
    expect_linear(boot_and_stop(group(1'000, false)), boot_and_stop(group(10'000, false)));
}

TEST(Scale, RestartOfAHubIsLinear) {
    const auto restart = [](int n) {
        const config::PlanPtr made = plan(hub(n));
        return seconds([&] {
            Smooth world(made);
            world.run(BootAsked{});
            const ServiceId id = world.engine.units().find("hub")->id();
            const int events = world.run(Requested{RequestId{1}, Verb::Restart, {id}, true, {}});
            EXPECT_EQ(events, 1 + 2 * (n + 1));
            EXPECT_EQ(world.engine.units().alive(), static_cast<std::size_t>(n) + 1);
        });
    };
    expect_linear(restart(1'000), restart(10'000));
}

TEST(Scale, RemovingEverythingIsLinear) {
    const auto remove = [](int n) {
        const config::PlanPtr made = plan(chain(n)), nothing = plan({});
        return seconds([&] {
            Smooth world(made);
            world.run(BootAsked{});
            world.run(PlanReplaced{nothing, false});
            std::size_t left = 0;
            world.engine.units().for_each([&](const Unit&) { ++left; });
            EXPECT_EQ(left, 0u);
        });
    };
    expect_linear(remove(1'000), remove(10'000));
}

TEST(Scale, ACrashCostsTheSameHoweverManyOthersThereAre) {
    const auto crash = [](int n) {
        std::vector<Service> services;
        for (int i = 0; i < n; ++i) services.emplace_back(nth(i));
        Smooth world(plan(services));
        world.run(BootAsked{});
        const Unit& unit = *world.engine.units().find(nth(n / 2));
        return seconds([&] {
            for (int i = 0; i < 5'000; ++i) {
                world.now += 20s;  // a long run, so that the restart is at once
                world.run(Exited{run_of(unit.state()), ExitStatus::exited(1), false});
            }
            EXPECT_EQ(core::name_of(unit.state()), "running");
        });
    };
    EXPECT_LT(crash(10'000), 5 * crash(10) + 0.02);
}

}  // namespace
}  // namespace reeve::test
