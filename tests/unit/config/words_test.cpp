#include "config/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Argv words(std::string_view text) {
    const auto argv = split_words(text);
    if (!argv) return {"error: " + argv.error().what};
    return *argv;
}

TEST(Words, AreSplitAtBlanks) {
    EXPECT_THAT(words("a b  c"), ElementsAre("a", "b", "c"));
    EXPECT_THAT(words("  a\tb  "), ElementsAre("a", "b"));
    EXPECT_THAT(words(""), IsEmpty());
    EXPECT_THAT(words("   "), IsEmpty());
    EXPECT_THAT(words("a b\n"), ElementsAre("a", "b"));
}

TEST(Words, KeepWhatQuotesHold) {
    EXPECT_THAT(words("'a b' \"c d\""), ElementsAre("a b", "c d"));
    EXPECT_THAT(words("a'b c'd\"e f\"g"), ElementsAre("ab cde fg"));
    EXPECT_THAT(words("'' \"\""), ElementsAre("", ""));
    EXPECT_THAT(words("'|>;&'"), ElementsAre("|>;&"));
    EXPECT_THAT(words("\"|>;&\""), ElementsAre("|>;&"));
    EXPECT_THAT(words("'a\\b\"c$(d)`e`'"), ElementsAre("a\\b\"c$(d)`e`"));
    EXPECT_THAT(words("nginx -g 'daemon off;'"), ElementsAre("nginx", "-g", "daemon off;"));
}

TEST(Words, KnowTheBackslash) {
    EXPECT_THAT(words("a\\ b"), ElementsAre("a b"));
    EXPECT_THAT(words("a\\|b \\'c \\\\"), ElementsAre("a|b", "'c", "\\"));
    EXPECT_THAT(words("a\\\nb"), ElementsAre("ab"));
    EXPECT_THAT(words(R"("a\"b\\c\$d\`e")"), ElementsAre("a\"b\\c$d`e"));
    EXPECT_THAT(words(R"("a\nb")"), ElementsAre("a\\nb"));
    EXPECT_THAT(words("a \\"), ElementsAre("error: ends in a backslash"));
}

TEST(Words, RefuseOpenQuotes) {
    EXPECT_THAT(words("a 'b"), ElementsAre("error: a quote ' is not closed"));
    EXPECT_THAT(words("a \"b'"), ElementsAre("error: a quote \" is not closed"));
    EXPECT_THAT(words("\"a\\"), ElementsAre("error: a quote \" is not closed"));
}

TEST(Words, RefuseWhatNeedsAShell) {
    for (const char* text : {"a | b", "a > b", "a < b", "a; b", "a & b", "a && b", "a `b`", "(a)",
                             "a $(b)", "a \"$(b)\"", "a \"`b`\"", "a\nb", "a 2>&1"}) {
        const auto argv = split_words(text);
        ASSERT_FALSE(argv) << text;
        EXPECT_THAT(argv.error().what, HasSubstr("no shell runs")) << text;
        EXPECT_THAT(argv.error().what_to_do, HasSubstr("[sh, -c")) << text;
    }
}

TEST(Words, LeaveOtherCharactersAlone) {
    EXPECT_THAT(words("a $b *.c ~ #d !e {f} [g] h=i"),
                ElementsAre("a", "$b", "*.c", "~", "#d", "!e", "{f}", "[g]", "h=i"));
}

}  // namespace
}  // namespace reeve::config
