#include "supervisor/shell/event_queue.h"

#include <gtest/gtest.h>

namespace reeve::shell {
namespace {

TEST(EventQueueTest, RunsSomethingOnceAllBeforeIsCarriedOut) {
    int woken = 0, ran = 0;
    EventQueue queue([&] { ++woken; });
    queue.push(core::DeadlinePassed{});
    queue.push(core::DeadlinePassed{});
    queue.once_handled([&] { ++ran; });
    queue.push(core::DeadlinePassed{});
    queue.pop();
    queue.carried_out();
    EXPECT_EQ(ran, 0);
    queue.pop();
    EXPECT_EQ(ran, 0);
    queue.carried_out();
    EXPECT_EQ(ran, 1);
    queue.pop();
    queue.carried_out();
    EXPECT_EQ(ran, 1);
}

TEST(EventQueueTest, WakesForSomethingToBeRunThoughNothingIsQueued) {
    int woken = 0, ran = 0;
    EventQueue queue([&] { ++woken; });
    queue.once_handled([&] { ++ran; });
    EXPECT_EQ(woken, 1);
    EXPECT_EQ(ran, 0);
    queue.carried_out();
    EXPECT_EQ(ran, 1);
}

TEST(EventQueueTest, WhatIsRunMayQueueMore) {
    EventQueue queue([] {});
    bool ran = false;
    queue.once_handled([&] {
        queue.push(core::DeadlinePassed{});
        queue.once_handled([&] { ran = true; });
    });
    queue.carried_out();
    EXPECT_FALSE(ran);
    queue.pop();
    queue.carried_out();
    EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace reeve::shell
