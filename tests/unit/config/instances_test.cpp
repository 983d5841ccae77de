#include "config/instances.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/support.h"

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> names_in(const LoadResult& result) {
    std::vector<std::string> names;
    for (const std::string& line : lines_of(result)) ADD_FAILURE() << line;
    if (result.plan == nullptr) return names;
    for (const ServicePtr& service : result.plan->services) names.push_back(service->name);
    return names;
}

const Service& service_of(const LoadResult& result, std::string_view name) {
    return *result.plan->services.at(result.plan->find(name).value());
}

TEST(Instances, AreServicesOfTheirOwn) {
    EXPECT_THAT(names_in(load_yaml("services: {web: {command: x, instances: 3}}")),
                ElementsAre("web@1", "web@2", "web@3"));
    EXPECT_THAT(names_in(load_yaml("services: {web: {command: x, instances: [mail, 8080]}}")),
                ElementsAre("web@8080", "web@mail"));
    EXPECT_THAT(names_in(load_yaml("services: {web@main: {command: x}}")), ElementsAre("web@main"));
}

TEST(Instances, FillInWhatTheyAre) {
    LoadOptions options = as_root();
    options.environment = {{"COUNT", "2"}};
    const LoadResult result = load_yaml(
        "defaults: {environment: {N: '${INSTANCE}'}}\n"
        "services:\n  web: {command: 'x ${SERVICE}', instances: '${COUNT}',\n"
        "        working_dir: '/srv/${INSTANCE}', after: ['db@${INSTANCE}'],\n"
        "        ready: {tcp: '127.0.0.1:808${INSTANCE}'}}\n"
        "  db: {command: x, instances: 2}\n",
        options);
    ASSERT_THAT(lines_of(result), IsEmpty());
    const Service& web = service_of(result, "web@2");
    EXPECT_THAT(web.execution.command, ElementsAre("x", "web@2"));
    EXPECT_EQ(web.execution.working_dir, "/srv/2");
    EXPECT_EQ(web.execution.environment.at("N"), "2");
    EXPECT_THAT(web.relations.after, ElementsAre("db@2"));
    EXPECT_EQ(std::get<TcpCheck>(web.policy.ready->check).port, 8082);
}

TEST(Instances, AreAllMeantByTheNameAlone) {
    const LoadResult result = load_yaml(
        "services: {web: {command: x, requires: [db], conflicts: [sorry]}, sorry: {command: x, "
        "instances: 2, enabled: false}, db: {command: x, instances: [a, b]}, b: {command: x, "
        "before: [db]}}");
    ASSERT_THAT(lines_of(result), IsEmpty());
    EXPECT_THAT(service_of(result, "web").relations.requires_, ElementsAre("db@a", "db@b"));
    EXPECT_THAT(service_of(result, "web").relations.conflicts, ElementsAre("sorry@1", "sorry@2"));
    EXPECT_THAT(service_of(result, "b").relations.before, ElementsAre("db@a", "db@b"));
    EXPECT_THAT(result.plan->links[*result.plan->find("web")].requires_, SizeIs(2));
}

TEST(Instances, LeaveThemselvesOutOfDefaults) {
    const LoadResult result = load_yaml(
        "defaults: {after: [web]}\nservices: {web: {command: x, instances: 2}, db: {command: "
        "x}}");
    ASSERT_THAT(lines_of(result), IsEmpty());
    EXPECT_THAT(service_of(result, "web@1").relations.after, IsEmpty());
    EXPECT_THAT(service_of(result, "db").relations.after, ElementsAre("web@1", "web@2"));
}

TEST(Instances, AreEnabledOneByOne) {
    LoadOptions options = as_root();
    options.enabled = {{"web@2", false}};
    const LoadResult result = load_yaml("services: {web: {command: x, instances: 2}}", options);
    EXPECT_TRUE(service_of(result, "web@1").policy.enabled);
    EXPECT_FALSE(service_of(result, "web@2").policy.enabled);
}

TEST(Instances, ReportEachProblemOnce) {
    EXPECT_THAT(problems_in("services:\n  web:\n    instances: 1000\n    command: [x]\n    nice: 99"
                            "\n    after: [nope]\n  b: {command: x, requires: [web@7]}\n"),
                ElementsAre(HasSubstr("t.yaml:5:11: error: services.web.nice: \"99\""),
                            HasSubstr("warning: services.web.after: there is no service")));
    EXPECT_THAT(problems_in("services: {web: {instances: 2, nice: 5}}"),
                ElementsAre(HasSubstr("services.web: has no command")));
}

TEST(Instances, RefuseValuesThatAreNone) {
    for (const char* value :
         {"0", "1001", "-1", "x", "[]", "[A]", "[a@b]", "['']", "{a: b}", "~"}) {
        EXPECT_THAT(problems_in(web("instances: " + std::string(value))),
                    ElementsAre(HasSubstr("services.web.instances")))
            << value;
    }
}

TEST(Instances, AreNoDefault) {
    EXPECT_THAT(problems_in("defaults: {instances: 2}\n" + web("")),
                ElementsAre("t.yaml:1:23: error: defaults.instances: cannot be a default; write it "
                            "in each service that has them"));
}

TEST(Instances, HaveNoInstances) {
    EXPECT_THAT(problems_in("services: {web@1: {command: x, instances: 2}}"),
                ElementsAre(HasSubstr("services.web@1.instances: has no effect: this is an")));
}

TEST(Instances, StandInOnePlaceOnly) {
    EXPECT_THAT(
        problems_in("services:\n  web: {command: x, instances: 2}\n  web@2: {command: x}\n"),
        ElementsAre(HasSubstr("t.yaml:2:32: error: services.web.instances: \"web@2\" is "
                              "also in t.yaml:3:3")));
}

TEST(Instances, AreLimitedInAll) {
    std::string yaml = "services:\n";
    for (int i = 0; i < 101; ++i) {
        yaml += "  s";
        yaml += std::to_string(i);
        yaml += ": {command: x, instances: 1000}\n";
    }
    EXPECT_THAT(problems_in(yaml),
                ElementsAre(HasSubstr("services.s100.instances: makes too many services")));
}

TEST(Instances, AreLimitedInWhatTheyNameTogether) {
    EXPECT_THAT(
        problems_in("services:\n  a: {command: x, instances: 1000}\n  b: {command: x, "
                    "instances: 1000, after: [a]}\n  c: {command: x, instances: 1000, after: "
                    "[a], wants: [b]}\n"),
        ElementsAre(HasSubstr("error: services.c.wants: relations name more than 1000000 "
                              "services")));
}

TEST(Instances, ThatAreWrongHideNothingElse) {
    EXPECT_THAT(problems_in("services:\n  w: {command: x, instances: 0, after: [nobody]}\n"
                            "  a: {command: x, requires: [b, w, w@7, w@mail]}\n"
                            "  b: {command: x, requires: [a, c]}\n"),
                ElementsAre(HasSubstr("services.w.instances"),
                            HasSubstr("services.w.after: there is no service \"nobody\""),
                            HasSubstr("services.a.requires: dependency cycle a -> b -> a"),
                            HasSubstr("services.b.requires: there is no service \"c\"")));
}

TEST(Instances, AreSuggestedForWhatIsAlmostTheirName) {
    EXPECT_THAT(problems_in("services: {worker: {command: x, instances: 2}, a: {command: x, "
                            "requires: [wroker, worker@3]}}"),
                ElementsAre(HasSubstr("did you mean worker?"), HasSubstr("did you mean worker@")));
}

TEST(Instances, CannotNameThemselves) {
    for (const char* name : {"web", "web@1", "'web@${INSTANCE}'"}) {
        const std::string list = "instances: 1\n    after: [" + std::string(name) + "]";
        EXPECT_THAT(problems_in(web(list)),
                    ElementsAre(HasSubstr("t.yaml:5:13: error: services.web.after: names itself")));
    }
}

TEST(Instances, ShowCyclesByTheirNames) {
    EXPECT_THAT(
        problems_in("services:\n  a: {command: x, instances: [k], after: [b]}\n  b: {command: "
                    "x, requires: [a]}\n"),
        ElementsAre("t.yaml:2:43: error: services.a.after: dependency cycle a@k -> b -> "
                    "a@k; remove one of these relations"));
}

}  // namespace
}  // namespace reeve::config
