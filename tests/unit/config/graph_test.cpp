#include "config/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using Names = std::vector<std::string>;

Service service(std::string name, Names requires_, Names wants = {}, Names after = {},
                Names before = {}) {
    Service s;
    s.name = std::move(name);
    s.relations = {std::move(requires_), std::move(wants), std::move(after), std::move(before)};
    return s;
}

TEST(Graph, HasEveryEdgeFromBothEnds) {
    const PlanPtr plan =
        make_plan({service("d", {}, {}, {}, {"a"}), service("a", {"b"}, {"c"}, {"b"}),
                   service("b", {}), service("c", {})});
    const auto& l = plan->links;
    EXPECT_THAT(l[0].requires_, ElementsAre(1));
    EXPECT_THAT(l[0].wants, ElementsAre(2));
    EXPECT_THAT(l[0].after, ElementsAre(1, 3));
    EXPECT_THAT(l[1].required_by, ElementsAre(0));
    EXPECT_THAT(l[1].before, ElementsAre(0));
    EXPECT_THAT(l[2].wanted_by, ElementsAre(0));
    EXPECT_THAT(l[3].before, ElementsAre(0));
    EXPECT_THAT(l[3].after, IsEmpty());
}

TEST(Graph, HasAnEdgeOnceThatIsSaidTwice) {
    const PlanPtr plan = make_plan({service("a", {}, {}, {"b"}), service("b", {}, {}, {}, {"a"})});
    EXPECT_THAT(plan->links[0].after, ElementsAre(1));
    EXPECT_THAT(plan->links[1].before, ElementsAre(0));
}

TEST(Graph, LeavesOutUnknownNames) {
    const PlanPtr plan = make_plan({service("a", {}, {"nope"}, {"no"}, {"never"})});
    EXPECT_THAT(plan->links[0].wants, IsEmpty());
    EXPECT_THAT(plan->links[0].after, IsEmpty());
    EXPECT_THAT(plan->links[0].before, IsEmpty());
}

TEST(Cycles, AreFoundOverAllKindsOfEdges) {
    const PlanPtr plan =
        make_plan({service("a", {"b"}), service("b", {}, {"c"}), service("c", {}, {}, {"d"}),
                   service("d", {}), service("e", {"a"}), service("x", {}, {}, {}, {"d"}),
                   service("y", {"a"}, {}, {}, {"d"})});
    // d is after y, which requires a, which leads to d.
    EXPECT_THAT(find_cycles(plan->links.all(), 10), ElementsAre(ElementsAre(0, 1, 2, 3, 6)));
}

TEST(Cycles, AreNoneInALatticeOfManyPaths) {
    std::vector<Service> services{service("l00", {}), service("r00", {})};
    for (int i = 1; i < 60; ++i) {
        const auto name = [](char side, int n) {
            return std::string(1, side) + (n < 10 ? "0" : "") + std::to_string(n);
        };
        for (const char side : {'l', 'r'}) {
            services.push_back(service(name(side, i), {name('l', i - 1), name('r', i - 1)}));
        }
    }
    EXPECT_THAT(find_cycles(make_plan(std::move(services))->links.all(), 10), IsEmpty());
}

TEST(Cycles, AreEachGivenOnce) {
    const PlanPtr plan = make_plan({service("a", {"b", "c"}), service("b", {"a"}),
                                    service("c", {"a"}), service("d", {"e"}), service("e", {"d"})});
    EXPECT_THAT(find_cycles(plan->links.all(), 10),
                ElementsAre(ElementsAre(0, 1), ElementsAre(0, 2), ElementsAre(3, 4)));
    EXPECT_THAT(find_cycles(plan->links.all(), 2), SizeIs(2));
}

TEST(Cycles, AreFoundAtTheEndOfALongChain) {
    std::vector<Service> services;
    for (int i = 0; i < 100'000; ++i) {
        services.push_back(service("s" + std::to_string(1'000'000 + i),
                                   {"s" + std::to_string(1'000'000 + (i + 1) % 100'000)}));
    }
    const auto cycles = find_cycles(make_plan(std::move(services))->links.all(), 10);
    ASSERT_THAT(cycles, SizeIs(1));
    EXPECT_THAT(cycles[0], SizeIs(100'000));
}

TEST(WithEnabled, ChangesSomeServicesAndSharesTheRest) {
    const PlanPtr plan = make_plan({service("a", {}), service("b", {"a"}), service("c", {})});
    const PlanPtr changed = with_enabled(*plan, {{"a", true}, {"b", false}, {"gone", false}});
    EXPECT_TRUE(changed->services[0]->policy.enabled);
    EXPECT_FALSE(changed->services[1]->policy.enabled);
    EXPECT_TRUE(plan->services[1]->policy.enabled);
    EXPECT_EQ(changed->services[1]->name, "b");
    EXPECT_EQ(changed->services[0], plan->services[0]);
    EXPECT_EQ(changed->services[2], plan->services[2]);
    EXPECT_EQ(&changed->links.all(), &plan->links.all());
}

Service conflicting(Service s, Names conflicts) {
    s.relations.conflicts = std::move(conflicts);
    return s;
}

TEST(Contradictions, AreServicesThatNeedWhatConflicts) {
    const auto found = [](std::vector<Service> services) {
        return find_contradictions(make_plan(std::move(services))->links.all(), 10);
    };
    // a requires b requires c, which conflicts with a.
    EXPECT_THAT(
        found({service("a", {"b"}), service("b", {"c"}), conflicting(service("c", {}), {"a"})}),
        ElementsAre(Contradiction{0, 0, 2}));
    // z requires both.
    EXPECT_THAT(found({conflicting(service("a", {}), {"b"}), service("b", {}), service("y", {"b"}),
                       service("z", {"a", "y"})}),
                ElementsAre(Contradiction{3, 0, 1}));
    // b wants a.
    EXPECT_THAT(found({conflicting(service("a", {}), {"b"}), service("b", {}, {"a"})}),
                ElementsAre(Contradiction{1, 0, 1}));
    // Order alone asks for nothing, nor does a wish of somebody else's.
    EXPECT_THAT(found({conflicting(service("a", {}, {}, {"b"}), {"b"}), service("b", {}),
                       service("z", {"a"}, {"b"})}),
                IsEmpty());
}

TEST(Contradictions, AreFoundAmongManyPairs) {
    std::vector<Service> services;
    for (int i = 0; i < 100; ++i) {
        const std::string name = std::to_string(i);
        services.push_back(conflicting(service("a" + name, {}), {"b" + name}));
        services.push_back(service("b" + name, {}));
        services.push_back(service("c" + name, {i % 2 == 0 ? "a" + name : "b" + name}));
        if (i % 10 == 7) services.push_back(service("d" + name, {"a" + name, "c" + name}));
    }
    EXPECT_THAT(find_contradictions(make_plan(services)->links.all(), 50), SizeIs(10));
    EXPECT_THAT(find_contradictions(make_plan(services)->links.all(), 3), SizeIs(3));
}

}  // namespace
}  // namespace reeve::config
