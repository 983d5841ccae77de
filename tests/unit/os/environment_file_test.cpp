#include "supervisor/os/environment_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/os/support.h"

namespace reeve::os {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

/// The one value of "A=" and this text.
std::string value_of(const std::string& text) {
    const auto variables = parse_environment("A=" + text, "file");
    if (!variables) return "error: " + variables.error().text();
    if (variables->size() != 1 || variables->front().first != "A") return "not one variable";
    return variables->front().second;
}

int line_of_error(const std::string& text) {
    const auto variables = parse_environment(text, "file");
    return variables ? 0 : variables.error().position->line;
}

TEST(EnvironmentFile, ReadsAssignmentsInOrder) {
    EXPECT_THAT(
        parse_environment("A=1\nB = two \n  C_9=x=y\nA=2\nEMPTY=\nLAST=no newline", "file").value(),
        ElementsAre(Pair("A", "1"), Pair("B", "two"), Pair("C_9", "x=y"), Pair("A", "2"),
                    Pair("EMPTY", ""), Pair("LAST", "no newline")));
}

TEST(EnvironmentFile, PassesOverCommentsAndBlankLines) {
    EXPECT_THAT(
        parse_environment("# A=1\n ; B=2 \\\n\n \t \nC=3 # not a comment\n#", "file").value(),
        ElementsAre(Pair("C", "3 # not a comment")));
    EXPECT_THAT(parse_environment("", "file").value(), IsEmpty());
    EXPECT_THAT(parse_environment("  ", "file").value(), IsEmpty());
}

TEST(EnvironmentFile, AcceptsExport) {
    EXPECT_THAT(
        parse_environment("export A=1\nexport\t B=2\nexported=3\nexport=4\n", "file").value(),
        ElementsAre(Pair("A", "1"), Pair("B", "2"), Pair("exported", "3"), Pair("export", "4")));
}

TEST(EnvironmentFile, TakesSingleQuotesAsTheyAre) {
    EXPECT_EQ(value_of("' a \\ \"b\" $c '"), " a \\ \"b\" $c ");
    EXPECT_EQ(value_of("'two\nlines'"), "two\nlines");
}

TEST(EnvironmentFile, UnescapesInDoubleQuotesOnlyWhatAShellWould) {
    EXPECT_EQ(value_of(R"("a \" \\ \` \$ \n")"), "a \" \\ ` $ \\n");
    EXPECT_EQ(value_of("\"two\nlines\""), "two\nlines");
    EXPECT_EQ(value_of("\"joined \\\nline\""), "joined line");
}

TEST(EnvironmentFile, UnescapesEverythingOutsideQuotes) {
    EXPECT_EQ(value_of(R"(a\ b\nc\\)"), "a bnc\\");
    EXPECT_EQ(value_of("kept blank\\ "), "kept blank ");
    EXPECT_EQ(value_of("joined \\\nline"), "joined line");
    EXPECT_EQ(value_of("at the end\\"), "at the end");
}

TEST(EnvironmentFile, JoinsQuotedPartsAndKeepsQuotesInsideWords) {
    EXPECT_EQ(value_of("'a'\"b\""), "ab");
    EXPECT_EQ(value_of("it's"), "it's");
    EXPECT_EQ(value_of("say \"hi\""), "say \"hi\"");
    EXPECT_EQ(value_of("''"), "");
}

TEST(EnvironmentFile, ExpandsNothing) { EXPECT_EQ(value_of("$HOME ${X}"), "$HOME ${X}"); }

TEST(EnvironmentFile, ReadsLinesThatEndAsInDos) {
    EXPECT_THAT(parse_environment("A=1\r\n\r\nB='x'\r\nC=y \\\r\nz\r\n", "file").value(),
                ElementsAre(Pair("A", "1"), Pair("B", "x"), Pair("C", "y z")));
}

TEST(EnvironmentFile, NamesTheLineThatIsMalformed) {
    EXPECT_EQ(line_of_error("A=1\nnonsense\n"), 2);
    EXPECT_EQ(line_of_error("A='1\n2'\nB=\\\n3\n\n# x\n9=x"), 7);
    EXPECT_EQ(line_of_error("=x"), 1);
    EXPECT_EQ(line_of_error("A B=x"), 1);
    EXPECT_EQ(line_of_error("A=1\nB='never\nclosed\n"), 2);
    EXPECT_EQ(line_of_error("A=1\nB=\"never\nclosed\\"), 2);
    EXPECT_EQ(line_of_error("A=1\nB=" + std::string("x\0y", 3) + "\n"), 2);
    EXPECT_EQ(parse_environment("x", "/etc/e").error().text(),
              "cannot read the environment file /etc/e, line 1: a line is KEY=VALUE or begins with "
              "#");
}

TEST(EnvironmentFile, IsReadFromAFile) {
    TempDir dir;
    write_file(dir / "env", "A=1\n");
    EXPECT_THAT(read_environment_file(dir / "env").value(), ElementsAre(Pair("A", "1")));
    EXPECT_EQ(read_environment_file(dir / "none").error().errnum, ENOENT);
    write_file(dir / "env", "oops\n");
    EXPECT_EQ(read_environment_file(dir / "env").error().position,
              (SourcePosition{dir / "env", 1, 1}));
}

}  // namespace
}  // namespace reeve::os
