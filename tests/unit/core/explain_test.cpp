#include "supervisor/core/explain.h"

#include "tests/support/scenario.h"

namespace reeve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// "web < requires db < requires disk", with alternatives in brackets.
std::string text_of(const Scenario& s, const core::Reason& reason) {
    const core::Unit& unit = *s.engine().units().find(reason.service);
    std::string text;
    if (!reason.relation.empty()) text += std::string(reason.relation) + " ";
    text += unit.name();
    if (reason.because.size() == 1) return text + " < " + text_of(s, reason.because[0]);
    for (const core::Reason& one : reason.because) text += " [" + text_of(s, one) + "]";
    return text;
}

std::string why(const Scenario& s, const std::string& name) {
    return text_of(s, core::reason_of(s.engine().units(), s.unit(name)));
}

Names names(const Scenario& s, const std::vector<core::ServiceId>& ids) {
    Names found;
    for (const core::ServiceId id : ids) found.push_back(s.engine().units().find(id)->name());
    return found;
}

TEST(Explain, FollowsRequirementsDownToTheOneThatFailed) {
    Scenario s({Service("disk").restart(config::RestartPolicy::Never),
                Service("db").needs({"disk"}), Service("web").needs({"db"})});
    s.boot().spawn_fails("disk");
    EXPECT_EQ(why(s, "web"), "web < requires db < requires disk");
    EXPECT_EQ(why(s, "disk"), "disk");
}

TEST(Explain, NamesAllThatAreInTheWay) {
    Scenario s({Service("a").notify(), Service("b").notify(), Service("c").notify(), Service("up"),
                Service("web").needs({"a", "up"}).wants({"b"}).after({"c"})});
    s.boot().spawned("up").take();
    EXPECT_EQ(why(s, "web"), "web [requires a] [wants b] [comes after c]");
}

TEST(Explain, OfWhatRunsHasNobodyElse) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up();
    EXPECT_EQ(why(s, "web"), "web");
}

TEST(Explain, SaysForWhomAStopIsHeldBack) {
    Scenario s({Service("db"), Service("web").needs({"db"})});
    s.boot_up().stop({"db"});
    EXPECT_EQ(why(s, "db"), "db < stops after web");
}

TEST(Explain, SaysWhosePlaceIsTaken) {
    Scenario s({Service("old").command({"/bin/x"})});
    s.boot_up().replace({Service("new").command({"/bin/x"})});
    EXPECT_EQ(why(s, "new"), "new < takes the place of old");
}

TEST(Explain, SaysWhoWaitsAndWhoDepends) {
    Scenario s({Service("db").notify(), Service("web").needs({"db"}),
                Service("site").needs({"web"}), Service("job").after({"db"}),
                Service("idle").needs({"db"}).disabled()});
    s.boot().spawned("db");
    const core::Units& units = s.engine().units();
    EXPECT_THAT(names(s, core::waiting_for(units, s.unit("db"))),
                ElementsAre("job", "site", "web"));
    EXPECT_THAT(names(s, core::dependents_of(units, s.unit("db"))),
                ElementsAre("idle", "site", "web"));
    s.up("db");
    EXPECT_THAT(names(s, core::waiting_for(units, s.unit("db"))), IsEmpty());
}

}  // namespace
}  // namespace reeve::test
