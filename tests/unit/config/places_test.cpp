#include "config/places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Places, OfRootAreTheSystems) {
    const Places p = places_of(0, {{"XDG_RUNTIME_DIR", "/run/user/0"}, {"HOME", "/root"}});
    EXPECT_THAT(p.config, ElementsAre("/etc/reeve/reeve.yaml", "/etc/reeve/services.d"));
    EXPECT_EQ(p.runtime_dir, "/run/reeve");
    EXPECT_EQ(p.log_dir, "/var/log/reeve");
    EXPECT_EQ(p.state_dir, "/var/lib/reeve");
}

TEST(Places, OfAUserFollowXdg) {
    const Places p = places_of(1000, {{"XDG_RUNTIME_DIR", "/run/user/1000"},
                                      {"XDG_CONFIG_HOME", "/c"},
                                      {"XDG_STATE_HOME", "/s"}});
    EXPECT_THAT(p.config, ElementsAre("/c/reeve/reeve.yaml", "/c/reeve/services.d"));
    EXPECT_EQ(p.runtime_dir, "/run/user/1000/reeve");
    EXPECT_EQ(p.log_dir, "/s/reeve/log");
    EXPECT_EQ(p.state_dir, "/s/reeve");
}

TEST(Places, OfAUserAreBelowHomeOtherwise) {
    const Places p =
        places_of(1000, {{"HOME", "/home/u"}, {"XDG_RUNTIME_DIR", ""}, {"XDG_STATE_HOME", "rel"}});
    EXPECT_THAT(p.config, ElementsAre("/home/u/.config/reeve/reeve.yaml",
                                      "/home/u/.config/reeve/services.d"));
    EXPECT_EQ(p.runtime_dir, "/tmp/reeve-1000");
    EXPECT_EQ(p.state_dir, "/home/u/.local/state/reeve");
    EXPECT_EQ(p.log_dir, "/home/u/.local/state/reeve/log");
}

TEST(Places, OfAUserWithoutHomeAreBelowTheRuntimeFolder) {
    const Places p = places_of(1000, {});
    EXPECT_THAT(p.config, IsEmpty());
    EXPECT_EQ(p.state_dir, "/tmp/reeve-1000/state");
    EXPECT_EQ(p.log_dir, "/tmp/reeve-1000/log");
}

TEST(Places, AreChosenByFlagThenVariableThenYamlThenTable) {
    const std::map<std::string, std::string> set{{"REEVE_LOG_DIR", "/env"}},
        empty{{"REEVE_LOG_DIR", ""}};
    EXPECT_EQ(choose_place("/flag", set, "REEVE_LOG_DIR", "/yaml", "/table"), "/flag");
    EXPECT_EQ(choose_place({}, set, "REEVE_LOG_DIR", "/yaml", "/table"), "/env");
    EXPECT_EQ(choose_place({}, empty, "REEVE_LOG_DIR", "/yaml", "/table"), "/yaml");
    EXPECT_EQ(choose_place({}, {}, "REEVE_LOG_DIR", "", "/table"), "/table");
}

TEST(ClientSockets, AreLookedForInOrder) {
    const std::map<std::string, std::string> both{{"REEVE_SOCKET", "/s"},
                                                  {"REEVE_RUNTIME_DIR", "/r"}};
    EXPECT_THAT(client_sockets("/f", 1000, both), ElementsAre("/f"));
    EXPECT_THAT(client_sockets({}, 1000, both), ElementsAre("/s"));
    EXPECT_THAT(client_sockets({}, 1000, {{"REEVE_RUNTIME_DIR", "/r"}}),
                ElementsAre("/r/control.sock"));
    EXPECT_THAT(client_sockets({}, 1000, {}),
                ElementsAre("/tmp/reeve-1000/control.sock", "/run/reeve/control.sock"));
    EXPECT_THAT(client_sockets({}, 0, {}), ElementsAre("/run/reeve/control.sock"));
}

}  // namespace
}  // namespace reeve::config
