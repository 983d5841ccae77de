#include "ctl/text.h"

#include <gtest/gtest.h>

namespace reeve::ctl {
namespace {

TEST(Text, KnowsHowWideCharactersAre) {
    EXPECT_EQ(columns("abc"), 3u);
    EXPECT_EQ(columns("e\xcc\x81"), 1u);
    EXPECT_EQ(columns("\xe6\x97\xa5\xe6\x9c\xac"), 4u);
    EXPECT_EQ(columns("\u2705"), 2u);
    EXPECT_EQ(columns("\U0001fae0\U0001f7e2"), 4u);
    EXPECT_EQ(columns("\u2713\u25cf\u2192"), 3u);
    EXPECT_EQ(clipped("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4, true), "\xe6\x97\xa5\xe2\x80\xa6");
    EXPECT_EQ(clipped("abcdef", 5, false), "ab...");
    EXPECT_EQ(clipped("abcdef", 6, false), "abcdef");
}

TEST(Text, LeavesALogLineItsColoursAndTabs) {
    EXPECT_EQ(harmless_line("\x1b[1;31mred\x1b[m\tx"), "\x1b[1;31mred\x1b[m\tx");
    EXPECT_EQ(harmless_line("\x1b[2J\x1b]0;t\x07\x1b[31"), "\\e[2J\\e]0;t\\x07\\e[31");
    EXPECT_EQ(harmless("\t\x1b[m"), "\\t\\e[m");
}

TEST(Text, ShowsWhatIsInvisible) {
    EXPECT_EQ(harmless("a\xe2\x81\xa0\xc2\xad\xf3\xa0\x81\x81z"), "a\\u2060\\u00ad\\U000e0041z");
    // What joins letters and pictures is part of what is written.
    EXPECT_EQ(harmless("\xe2\x80\x8d\xc3\xa9"), "\xe2\x80\x8d\xc3\xa9");
}

TEST(Text, QuotesWordsForAShell) {
    EXPECT_EQ(shell_quoted("/run/reeve-1/a.b@c"), "/run/reeve-1/a.b@c");
    EXPECT_EQ(shell_quoted("/tmp/my sock"), "'/tmp/my sock'");
    EXPECT_EQ(shell_quoted("web*"), "'web*'");
    EXPECT_EQ(shell_quoted("it's"), R"('it'\''s')");
    EXPECT_EQ(shell_quoted(""), "''");
    EXPECT_EQ(shell_quoted("a'\\\x1b\n"), R"($'a\'\\\e\n')");
}

TEST(Text, SaysSizesInThreeDigits) {
    EXPECT_EQ(size_in_words(0), "0 B");
    EXPECT_EQ(size_in_words(1023), "1023 B");
    EXPECT_EQ(size_in_words(1536), "1.5 KiB");
    EXPECT_EQ(size_in_words(34u << 20), "34 MiB");
    EXPECT_EQ(size_in_words((1u << 20) - 1), "1.0 MiB");
}

}  // namespace
}  // namespace reeve::ctl
