#include "config/hooks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/support.h"

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Hook> hooks(std::string_view value) {
    return service_in(web("pre_start: " + std::string(value))).policy.hooks.pre_start;
}

Hook hook(Argv command, std::optional<Duration> timeout = {}, bool as_root = false) {
    return {std::move(command), timeout, as_root};
}

TEST(HooksKey, TakesOneCommand) {
    EXPECT_THAT(hooks("\"a 'b c'\""), ElementsAre(hook({"a", "b c"})));
    EXPECT_THAT(hooks("[a, b c, 5]"), ElementsAre(hook({"a", "b c", "5"})));
    EXPECT_THAT(hooks("{command: a b, timeout: 5s, as: root}"),
                ElementsAre(hook({"a", "b"}, 5s, true)));
    EXPECT_THAT(hooks("{command: [a], as: service}"), ElementsAre(hook({"a"})));
}

TEST(HooksKey, TakesSeveralCommands) {
    EXPECT_THAT(hooks("[[a, b], {command: c}, [d]]"),
                ElementsAre(hook({"a", "b"}), hook({"c"}), hook({"d"})));
    EXPECT_THAT(hooks("[[a, b]]"), ElementsAre(hook({"a", "b"})));
    EXPECT_THAT(hooks("[]"), IsEmpty());
}

TEST(HooksKey, StandsAtEveryTurn) {
    const Hooks all = service_in(web("pre_start: a\n    post_start: b\n    pre_stop: c\n"
                                     "    post_stop: d"))
                          .policy.hooks;
    EXPECT_EQ(all, (Hooks{{hook({"a"})}, {hook({"b"})}, {hook({"c"})}, {hook({"d"})}}));
    EXPECT_EQ(service_in(web("")).policy.hooks, Hooks{});
}

TEST(HooksKey, TakesThePlaceOfThatOfDefaults) {
    const std::string defaults = "defaults: {pre_start: [[a], [b]]}\n";
    EXPECT_THAT(service_in(defaults + web("")).policy.hooks.pre_start,
                ElementsAre(hook({"a"}), hook({"b"})));
    EXPECT_THAT(service_in(defaults + web("pre_start: c")).policy.hooks.pre_start,
                ElementsAre(hook({"c"})));
    EXPECT_THAT(service_in(defaults + web("pre_start: []")).policy.hooks.pre_start, IsEmpty());
}

TEST(HooksKey, RefusesWhatIsNoCommand) {
    const auto expect_refused = [](const std::string& value, const std::string& part) {
        EXPECT_THAT(problems_in(web("pre_start: " + value)),
                    ElementsAre(HasSubstr("services.web.pre_start" + part)))
            << value;
    };
    expect_refused("[a, [b]]", ": mixes words of one command with whole commands; write each");
    expect_refused("[[b], a]", ": mixes words");
    expect_refused("[a, {command: b}]", ": mixes words");
    expect_refused("[[a], ~]", ": mixes words");
    expect_refused("[[a], []]", "[1]: is an empty command");
    expect_refused("[[a], {timeout: 5s}]", "[1]: has no command; add `command`");
    expect_refused("{timeout: 5s}", ": has no command");
    expect_refused("{command: ''}", ".command: is an empty command");
    expect_refused("{command: a, as: nobody}", ".as: \"nobody\" is not known here");
    expect_refused("{command: a, timeout: 0}", ".timeout: is too short");
    expect_refused("{command: a, timout: 5s}", ".timout: unknown key; did you mean `timeout`?");
    expect_refused("''", ": is an empty command");
    expect_refused("", ": has no value");
    expect_refused("'a | b'", ": contains \"|\"");
}

}  // namespace
}  // namespace reeve::config
