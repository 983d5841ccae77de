#include "supervisor/log/drop_box.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace reeve::log {
namespace {

TEST(DropBoxTest, IsReadableWhileThereIsSomething) {
    DropBox<int> box;
    pollfd asked{box.fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&asked, 1, 0), 0);
    box.put(1);
    box.put(2);
    EXPECT_EQ(::poll(&asked, 1, 0), 1);
    EXPECT_EQ(box.take(), (std::vector{1, 2}));
    EXPECT_EQ(::poll(&asked, 1, 0), 0);
    EXPECT_TRUE(box.take().empty());
}

TEST(DropBoxTest, KeepsWhatNobodyTookNoLongerThanItself) {
    const auto counted = std::make_shared<int>();
    {
        DropBox<std::shared_ptr<int>> box;
        box.put(counted);
        box.put(counted);
    }
    EXPECT_EQ(counted.use_count(), 1);
}

TEST(DropBoxTest, BringsEachValueOnceAndInTheOrderOfItsSender) {
    constexpr int kCount = 20000;
    DropBox<std::pair<int, int>> box;
    const auto send = [&box](int sender) {
        for (int i = 0; i < kCount; ++i) box.put({sender, i});
    };
    std::array threads{std::thread(send, 0), std::thread(send, 1)};
    std::array next{0, 0};
    while (next[0] + next[1] < 2 * kCount) {
        pollfd asked{box.fd(), POLLIN, 0};
        ASSERT_EQ(::poll(&asked, 1, 60'000), 1) << "a value has been forgotten";
        for (const auto& [sender, value] : box.take()) {
            ASSERT_EQ(value, next[static_cast<std::size_t>(sender)]++);
        }
    }
    for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace reeve::log
