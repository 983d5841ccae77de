#include "base/time.h"

#include <gtest/gtest.h>

namespace reeve {
namespace {

TEST(InWords, UsesTheUnitThatFits) {
    EXPECT_EQ(in_words(0ns), "0 s");
    EXPECT_EQ(in_words(999ns), "999 ns");
    EXPECT_EQ(in_words(250us), "250 us");
    EXPECT_EQ(in_words(120ms), "120 ms");
    EXPECT_EQ(in_words(1s), "1 s");
    EXPECT_EQ(in_words(4200ms), "4.2 s");
    EXPECT_EQ(in_words(10s), "10 s");
    EXPECT_EQ(in_words(200s), "3 min 20 s");
    EXPECT_EQ(in_words(1min), "1 min");
    EXPECT_EQ(in_words(125min), "2 h 5 min");
    EXPECT_EQ(in_words(1h), "1 h");
    EXPECT_EQ(in_words(76h), "3 d 4 h");
    EXPECT_EQ(in_words(48h), "2 d");
}

TEST(InWords, RoundsUpToTheNextUnit) {
    EXPECT_EQ(in_words(999'600us), "1.0 s");
    EXPECT_EQ(in_words(1020ms), "1 s");
}

TEST(InWords, KeepsTheSign) { EXPECT_EQ(in_words(-5s), "-5 s"); }

}  // namespace
}  // namespace reeve
