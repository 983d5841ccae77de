// What one program of a process leaves to the next comes to it the same.
#include "supervisor/state/handover.h"

#include <gtest/gtest.h>

namespace reeve::state {
namespace {

core::OpenRequest an_open_request() {
    core::OpenRequest open;
    open.request = {core::RequestId{9}, core::Verb::Restart, {{1}, {2}}, true, Time(5s)};
    open.outcomes.emplace(core::ServiceId{1}, std::nullopt);
    open.outcomes.emplace(
        core::ServiceId{2},
        core::Outcome{{2}, "web", core::Outcome::Kind::Failed, "backoff", "exit 1"});
    return open;
}

TEST(Handover, ComesBackTheSame) {
    Handover handover;
    handover.version = "0.1.0";
    handover.lock = 3;
    handover.clients = {{7, std::string("half a requ\0est\xff", 15), true}, {8, "", false}};
    handover.asked = {{core::RequestId{9}, 1, "{\"id\":1}\n", 2, 3, {{{1}, "db", 4}}, {"web"}}};
    handover.requests = {an_open_request()};
    handover.last_request = 9;
    handover.events = {"one\n", "two\n"};
    handover.last_event = 1234;
    handover.upgrader = 0;
    handover.upgrader_message = "{}";
    handover.runtime_dir = "/run/reeve";
    handover.boot = {11, {{1}, {2}}, {{2}}};
    handover.faults = {Time(3s), Time(4s)};
    const auto back = handover_of(to_text(handover));
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(*back, handover);
}

TEST(Handover, OfNobodyIsEmpty) {
    const auto back = handover_of(to_text({}));
    ASSERT_TRUE(back);
    EXPECT_TRUE(back->clients.empty());
    EXPECT_FALSE(back->upgrader);
    EXPECT_FALSE(back->boot);
}

TEST(Handover, ThatIsNoneIsAnError) {
    for (const char* text : {"", "{", "[]", "{\"clients\":[7]}", "{\"lock\":\"x\"}"}) {
        EXPECT_FALSE(handover_of(text)) << text;
    }
}

}  // namespace
}  // namespace reeve::state
