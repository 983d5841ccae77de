#include "base/nearest.h"

#include <gtest/gtest.h>

namespace reeve {
namespace {

TEST(EditDistance, CountsEachKindOfEdit) {
    EXPECT_EQ(edit_distance("", ""), 0u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("abc", ""), 3u);
    EXPECT_EQ(edit_distance("abc", "abd"), 1u);
    EXPECT_EQ(edit_distance("abc", "abxc"), 1u);
    EXPECT_EQ(edit_distance("abc", "ac"), 1u);
    EXPECT_EQ(edit_distance("comamnd", "command"), 1u) << "two neighbours swapped";
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, FindsWhatWasMeant) {
    const std::vector<std::string> names{"command", "description", "stop"};
    EXPECT_EQ(nearest("comand", names), "command");
    EXPECT_EQ(nearest("descripton", names), "description");
    EXPECT_EQ(nearest("stpo", names), "stop");
    EXPECT_EQ(nearest("stop", names), "stop");
}

TEST(Nearest, IsNothingWhenTooFar) {
    const std::vector<std::string_view> names{"command", "stop"};
    EXPECT_EQ(nearest("zzzz", names), std::nullopt);
    EXPECT_EQ(nearest("", names), std::nullopt);
    EXPECT_EQ(nearest("x", std::vector<std::string>{}), std::nullopt);
}

TEST(Nearest, TakesTheFirstOfEquals) {
    const std::vector<std::string_view> names{"cat", "car"};
    EXPECT_EQ(nearest("cab", names), "cat");
}

}  // namespace
}  // namespace reeve
