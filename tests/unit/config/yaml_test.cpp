#include "config/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::config::yaml {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Parse {
    std::vector<Problem> problems;
    std::unique_ptr<const Document> document;

    explicit Parse(std::string_view text) { document = parse(text, "t.yaml", problems); }
    Value root() const { return document->root(); }
    std::vector<std::string> lines() const {
        std::vector<std::string> out;
        for (const Problem& problem : problems) out.push_back(to_line(problem));
        return out;
    }
};

std::string at(Value value) {
    return std::to_string(value.line()) + ":" + std::to_string(value.column());
}

TEST(Yaml, GivesKindsTextsAndPositions) {
    const Parse p("a: 1\nb:\n  - x\n  - 'y'\nc: {d: ~}\n");
    ASSERT_THAT(p.problems, IsEmpty());
    EXPECT_EQ(p.root().size(), 3u);
    EXPECT_EQ(at(p.root().key(0)), "1:1");
    EXPECT_EQ(at(p.root().find("a")), "1:4");
    EXPECT_EQ(p.root().find("a").text(), "1");
    const Value list = p.root().find("b");
    ASSERT_EQ(list.kind(), Kind::Sequence);
    EXPECT_EQ(at(list.item(1)), "4:5");
    EXPECT_FALSE(list.item(0).quoted());
    EXPECT_TRUE(list.item(1).quoted());
    EXPECT_EQ(p.root().find("c").find("d").kind(), Kind::Null);
    EXPECT_FALSE(p.root().find("nope"));
}

TEST(Yaml, CountsColumnsInCharacters) {
    const Parse p("\xc3\xa4\xc3\xb6: {k: v, \xe2\x82\xac: w}\n");
    ASSERT_THAT(p.problems, IsEmpty());
    EXPECT_EQ(at(p.root().value(0)), "1:5");
    EXPECT_EQ(at(p.root().value(0).key(1)), "1:12");
    EXPECT_EQ(at(p.root().value(0).value(1)), "1:15");
}

TEST(Yaml, AcceptsAByteOrderMark) {
    const Parse p("\xef\xbb\xbfk: \xc3\xa4\n");
    ASSERT_THAT(p.problems, IsEmpty());
    EXPECT_EQ(at(p.root().key(0)), "1:1");
    EXPECT_EQ(at(p.root().value(0)), "1:4");
}

TEST(Yaml, ShowsTheKeyOfAMissingValue) {
    const Parse p("a:\n  b:\n\n\n  c: 1\n");
    EXPECT_EQ(at(p.root().find("a").find("b")), "2:3");
}

TEST(Yaml, AcceptsWindowsLineEnds) {
    const Parse p("a: 1\r\nb: x\r\n");
    ASSERT_THAT(p.problems, IsEmpty());
    EXPECT_EQ(p.root().find("b").text(), "x");
}

TEST(Yaml, IsNothingWhereTheFileIsEmpty) {
    for (const char* text : {"", "\n", "# only this\n", "---\n", "---\n...\n"}) {
        const Parse p(text);
        EXPECT_THAT(p.problems, IsEmpty()) << text;
        EXPECT_EQ(p.root().kind(), Kind::Null) << text;
    }
}

TEST(Yaml, ReportsEveryDuplicateKeyWithBothPlaces) {
    const Parse p("a: 1\nb: {c: 1, c: 2}\na: 2\nl: [{x: 1, x: 2}]\n");
    EXPECT_THAT(
        p.lines(),
        testing::UnorderedElementsAre(
            "t.yaml:2:11: error: b.c: duplicate key, already at 2:5; remove one of them",
            "t.yaml:3:1: error: a: duplicate key, already at 1:1; remove one of them",
            "t.yaml:4:12: error: l[0].x: duplicate key, already at 4:6; remove one of them"));
    EXPECT_EQ(p.root().find("a").text(), "1");
    EXPECT_EQ(p.root().size(), 3u);
}

TEST(Yaml, SharesWhatAnAliasStandsFor) {
    const Parse p("a: &x {k: v}\nb: *x\nc: [*x, *x]\n*y : 1\n");
    EXPECT_THAT(p.lines(), ElementsAre(HasSubstr("t.yaml:4:1: error: not valid YAML: ")));
    const Parse q("a: &x {k: v}\nb: *x\nn: &y name\n*y : 1\n");
    ASSERT_THAT(q.problems, IsEmpty());
    EXPECT_EQ(q.root().find("b").find("k").text(), "v");
    EXPECT_EQ(at(q.root().find("b").find("k")), "1:11");
    EXPECT_EQ(q.root().find("name").text(), "1");
}

TEST(Yaml, RefusesAnAliasInsideItself) {
    EXPECT_THAT(
        Parse("a: &x [*x]\n").lines(),
        ElementsAre("t.yaml:1:8: error: a[0]: an alias inside what it stands for; remove it"));
}

TEST(Yaml, RefusesAliasBombs) {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 30; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int j = 1; j < 10; ++j) text += ", " + before;
        text += "]\n";
    }
    const Parse p(text);
    EXPECT_EQ(p.document, nullptr);
    EXPECT_THAT(p.lines(), ElementsAre(HasSubstr("aliases make this file too large")));
}

TEST(Yaml, AllowsAliasesUpToTheLimit) {
    std::string text = "a: &a [" + std::string(2 * 998, 'x') + "]\nb:\n";
    for (std::size_t i = 1; i < 2 * 998; i += 2) text[7 + i] = ',';
    for (int i = 0; i < 100; ++i) text += "- *a\n";  // each adds 999 values
    EXPECT_THAT(Parse(text).problems, IsEmpty());
    EXPECT_THAT(Parse(text + "- *a\n").problems, SizeIs(1));
}

TEST(Yaml, RefusesDeepNesting) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + "x" + std::string(depth, ']');
    };
    EXPECT_THAT(Parse(nested(64)).problems, IsEmpty());
    EXPECT_THAT(Parse(nested(65)).lines(), ElementsAre(HasSubstr("t.yaml:1:65: error: ")));
    EXPECT_THAT(Parse(std::string(100'000, '[')).problems, SizeIs(1));
    std::string dashes;
    for (int i = 0; i < 100'000; ++i) dashes += "- ";
    EXPECT_THAT(Parse(dashes).problems, SizeIs(1));
    std::string maps;
    for (int i = 0; i < 100'000; ++i) maps += "{a: ";
    EXPECT_THAT(Parse(maps).problems, SizeIs(1));
}

TEST(Yaml, RefusesDeepNestingByAliases) {
    std::string text = "a0: &a0 [x]\n";
    for (int i = 1; i < 100; ++i) {
        const std::string n = std::to_string(i);
        text += "a" + n + ": &a" + n + " [*a" + std::to_string(i - 1) + "]\n";
    }
    EXPECT_THAT(Parse(text).lines(), ElementsAre(HasSubstr("nested too deeply")));
}

TEST(Yaml, RefusesLargeFiles) {
    EXPECT_THAT(Parse("# " + std::string(kLargestFile - 2, 'x')).problems, IsEmpty());
    EXPECT_THAT(Parse("# " + std::string(kLargestFile - 1, 'x')).lines(),
                ElementsAre("t.yaml:1:1: error: larger than 4 MiB; split the file"));
}

TEST(Yaml, RefusesBadBytesWithTheirPlace) {
    EXPECT_THAT(Parse("a: 1\nb: x\xff\n").lines(),
                ElementsAre(HasSubstr("t.yaml:2:5: error: not valid UTF-8")));
    EXPECT_THAT(Parse(std::string("a: \0x", 5)).lines(),
                ElementsAre(HasSubstr("t.yaml:1:4: error: a NUL byte")));
    EXPECT_THAT(Parse("a: \x04").lines(), ElementsAre(HasSubstr("a control character (0x04)")));
    EXPECT_THAT(Parse("a: 1\rb: 2").lines(), ElementsAre(HasSubstr("(0x0d)")));
    EXPECT_THAT(Parse("a: \"x\\0y\"").lines(),
                ElementsAre("t.yaml:1:4: error: a: contains a NUL byte; remove it"));
    for (const char* text : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80",
                             "\xff\xfe", "\xf8\x88\x80\x80\x80"}) {
        EXPECT_THAT(Parse(text).problems, SizeIs(1)) << text;
    }
}

TEST(Yaml, RefusesASecondDocument) {
    for (const char* text :
         {"a: 1\n---\nb: 2\n", "a: 1\n...\nb: 2\n", "- a\nb: c\n", "--- a\n---\n"}) {
        EXPECT_THAT(Parse(text).lines(), ElementsAre(HasSubstr("another document begins"))) << text;
    }
    EXPECT_THAT(Parse("---\na: 1\n...\n# the end\n").problems, IsEmpty());
}

TEST(Yaml, RefusesKeysThatAreNoStrings) {
    EXPECT_THAT(Parse("[a]: 1\n? {b: c}\n: 2\n~: 3\nd: 4\n").lines(),
                ElementsAre(HasSubstr("t.yaml:1:1: error: a key that is not a string"),
                            HasSubstr("t.yaml:2:3: error: a key that is not a string"),
                            HasSubstr("t.yaml:4:1: error: a key that is not a string")));
}

TEST(Yaml, RefusesUnknownTags) {
    EXPECT_THAT(Parse("a: !foo x\nb: !!binary x\nc: !!set {}\nd: !!map []\n").problems, SizeIs(4));
    const Parse p("a: !!str 1\nb: !!int 2\nc: !!seq []\nd: !!map {}\ne: ! 5\n");
    EXPECT_THAT(p.problems, IsEmpty());
    EXPECT_TRUE(p.root().find("a").quoted());
    EXPECT_FALSE(p.root().find("b").quoted());
}

TEST(Yaml, GivesThePlaceOfASyntaxError) {
    EXPECT_THAT(Parse("a: 1\nb: [1\nc: 2\n").lines(), ElementsAre(HasSubstr("not valid YAML")));
    EXPECT_THAT(Parse("a: b: c\n").lines(), ElementsAre(HasSubstr("t.yaml:1:5: error: ")));
    EXPECT_THAT(Parse("a:\n\tb: c\n").lines(), ElementsAre(HasSubstr("YAML knows no tabs")));
    EXPECT_THAT(Parse("a: 'x\n").problems, SizeIs(1));
    EXPECT_THAT(Parse("a: *nope\n").problems, SizeIs(1));
    EXPECT_THAT(Parse("%YAML 9.0\n---\na: 1\n").problems, SizeIs(1));
}

TEST(Yaml, RefusesAQuoteThatIsLeftOpen) {
    for (const char* text : {"a: 'x\n", "a: 'x", "a: \"x\n", "a: \"x\\\"\n", "a: 'x''\nb: 1\n",
                             "'a\n", "a: &b !!str 'x\nb: c\n", "a: b\nc: [\"d\", \"\n"}) {
        const Parse p(text);
        EXPECT_THAT(p.lines(), ElementsAre(HasSubstr(": error: "))) << text;
    }
    for (const char* text :
         {"a: 'x'\n", "a: 'x''y'\n", "a: ''\n", "a: \"x\\\"\"\n", "a: it's\n", "a: &b 'x'\n",
          "\xef\xbb\xbf"
          "a: 'x'",
          "- |\n  'x\n", "a: b # 'c\n"}) {
        EXPECT_THAT(Parse(text).lines(), IsEmpty()) << text;
    }
}

TEST(Yaml, SurvivesEveryTruncation) {
    const std::string text =
        "a: &x {k: \"v\\u00e9\"}\nb: [*x, 'y', |\n  z\n]\n? c\n: !!str d\n...\n";
    for (std::size_t i = 0; i <= text.size(); ++i) Parse p(std::string_view(text).substr(0, i));
}

}  // namespace
}  // namespace reeve::config::yaml
