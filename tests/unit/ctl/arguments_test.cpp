#include "ctl/arguments.h"

#include <gmock/gmock.h>

#include <sstream>

namespace reeve::ctl {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Invocation read(const std::vector<std::string>& arguments) {
    auto parsed = parse_arguments(arguments);
    if (const auto* remark = std::get_if<Remark>(&parsed)) {
        ADD_FAILURE() << remark->text;
        return {};
    }
    return std::get<Invocation>(std::move(parsed));
}

/// What a usage error says behind "reevectl: ".
std::string refused(const std::vector<std::string>& arguments) {
    const auto parsed = parse_arguments(arguments);
    const auto* remark = std::get_if<Remark>(&parsed);
    if (remark == nullptr) return "it was taken";
    EXPECT_EQ(remark->exit, Exit::Usage);
    EXPECT_THAT(remark->text, AllOf(StartsWith("reevectl: "), testing::EndsWith("\n")));
    return remark->text.substr(10, remark->text.size() - 11);
}

std::string help(const std::vector<std::string>& arguments) {
    const auto parsed = parse_arguments(arguments);
    const auto* remark = std::get_if<Remark>(&parsed);
    if (remark == nullptr) return "it was taken";
    EXPECT_EQ(remark->exit, Exit::Done);
    return remark->text;
}

TEST(ArgumentsTest, ProgramsOptionsStandBeforeOrBehindTheVerb) {
    for (const auto& arguments : {std::vector<std::string>{"-s", "/x", "--json", "-q", "stop", "a"},
                                  {"stop", "--socket=/x", "a", "--json", "--quiet"},
                                  {"-s/x", "stop", "a", "-q", "--json"}}) {
        const Invocation invocation = read(arguments);
        EXPECT_EQ(invocation.verb->name, "stop");
        EXPECT_EQ(invocation.socket, "/x");
        EXPECT_TRUE(invocation.json && invocation.quiet && invocation.colour);
        EXPECT_THAT(invocation.names, ElementsAre("a"));
    }
    EXPECT_FALSE(read({"--no-color", "status"}).colour);
    EXPECT_FALSE(read({"status", "--no-colour"}).colour);
}

TEST(ArgumentsTest, LettersMayShareADashAndTheirValue) {
    const Invocation invocation = read({"logs", "-fn5", "web", "-"});
    EXPECT_TRUE(invocation.follow);
    EXPECT_EQ(invocation.last, 5u);
    EXPECT_THAT(invocation.names, ElementsAre("web", "-"));
    EXPECT_EQ(read({"logs", "-n", "all"}).last, Invocation::everything);
}

TEST(ArgumentsTest, BehindTwoDashesAreOnlyWords) {
    EXPECT_THAT(read({"stop", "--", "--all", "--"}).names, ElementsAre("--all", "--"));
}

TEST(ArgumentsTest, GlobInBracketsStaysWhole) {
    EXPECT_THAT(read({"stop", "[a,b]"}).names, ElementsAre("[a,b]"));
}

TEST(ArgumentsTest, AllIsAGlobWhereNamesAreNeededAndNoNameElsewhere) {
    EXPECT_THAT(read({"stop", "--all"}).names, ElementsAre("*"));
    EXPECT_THAT(read({"status", "-a"}).names, ElementsAre());
}

TEST(ArgumentsTest, LastOfSeveralValuesCounts) {
    EXPECT_EQ(read({"stop", "a", "--timeout", "1s", "--timeout", "2s"}).timeout, 2s);
}

TEST(ArgumentsTest, UnknownVerbIsAnErrorWithTheNearestOne) {
    EXPECT_EQ(refused({"statsu"}), "there is no verb statsu; did you mean status?");
    EXPECT_EQ(refused({"\x1b[2J"}), "there is no verb \\e[2J; reevectl --help lists them");
    EXPECT_EQ(refused({std::string(1000, 'x')}),
              "there is no verb " + std::string(64, 'x') + "; reevectl --help lists them");
    EXPECT_EQ(refused({"simulate", "x"}), "simulate is not supported yet");
    EXPECT_EQ(refused({}), "which verb? reevectl --help lists them");
    EXPECT_EQ(refused({"--json"}), "which verb? reevectl --help lists them");
}

TEST(ArgumentsTest, OptionThatTheVerbDoesNotTakeIsAnErrorWithTheNearestOne) {
    EXPECT_EQ(refused({"stop", "a", "--timout", "5s"}),
              "stop has no option --timout; did you mean --timeout?");
    EXPECT_EQ(refused({"status", "-f"}),
              "status has no option -f; reevectl status --help lists them");
    EXPECT_EQ(refused({"--frobnicate", "status"}),
              "there is no option --frobnicate; reevectl --help lists them");
    EXPECT_EQ(refused({"--timeout", "5s", "stop", "a"}), "--timeout belongs behind the verb");
    EXPECT_EQ(refused({"logs", "-fx"}), "logs has no option -x; reevectl logs --help lists them");
    EXPECT_EQ(refused({"status", "-xyz"}),
              "status has no option -xyz; reevectl status --help lists them");
}

TEST(ArgumentsTest, QuietIsTakenByEveryVerb) {
    for (const VerbInfo& verb : verbs()) {
        EXPECT_TRUE(verb.run == nullptr || verb.takes(Option::Quiet)) << verb.name;
    }
    EXPECT_TRUE(read({"--quiet", "version"}).quiet);
    EXPECT_TRUE(read({"version", "-q"}).quiet);
}

TEST(ArgumentsTest, ValueThatIsMissingOrTooMuchIsAnError) {
    EXPECT_EQ(refused({"stop", "a", "--timeout"}), "--timeout needs a value: --timeout D");
    EXPECT_EQ(refused({"logs", "-fn"}), "-n needs a value: -n N");
    EXPECT_EQ(refused({"-s", "", "status"}), "-s: the path of a socket is missing");
    EXPECT_EQ(refused({"status", "--json=yes"}), "--json takes no value");
    EXPECT_EQ(refused({"logs", "-n", "-1"}), "-n: it is a number, or all, not -1");
    EXPECT_THAT(refused({"stop", "a", "--timeout", "soon"}), StartsWith("--timeout: "));
}

TEST(ArgumentsTest, WordsAreAskedForAndRefusedAsTheVerbHasIt) {
    EXPECT_EQ(refused({"stop"}), "stop needs a NAME, @GROUP or --all; reevectl list has the names");
    EXPECT_EQ(refused({"stop", "--all", "web"}), "--all leaves no room for names");
    EXPECT_EQ(refused({"version", "web"}), "version takes no names: web");
    EXPECT_THAT(refused({"check", "--all"}), StartsWith("check has no option --all"));
}

TEST(ArgumentsTest, OptionsThatContradictEachOtherAreAnError) {
    EXPECT_EQ(refused({"stop", "a", "--no-wait", "--timeout", "5s"}),
              "--no-wait leaves no use for --timeout");
}

TEST(ArgumentsTest, HelpOfTheProgramListsWhatWorksAndOnlyThat) {
    const std::string text = help({"--help"});
    for (const VerbInfo& verb : verbs()) {
        const std::string line = "\n  " + std::string(verb.name) + " ";
        EXPECT_EQ(text.find(line) != text.npos, verb.run != nullptr) << line;
    }
    EXPECT_EQ(help({"-h", "status"}), text);
    EXPECT_THAT(help({"--version"}), StartsWith("reevectl "));
}

TEST(ArgumentsTest, HelpFitsATerminal) {
    std::vector<std::string> texts = {help({"--help"})};
    for (const VerbInfo& verb : verbs()) {
        if (verb.run == nullptr) continue;
        texts.push_back(help({std::string(verb.name), "--help"}));
    }
    for (const std::string& text : texts) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
    }
}

TEST(ArgumentsTest, HelpOfAVerbHasItsOptionsAndOnlyThose) {
    const std::string text = help({"logs", "web", "-h"});
    EXPECT_THAT(text, AllOf(HasSubstr("-f, --follow"), HasSubstr("-n, --lines N"),
                            HasSubstr("-s, --socket SOCKET"), HasSubstr("[NAME...]")));
    EXPECT_THAT(text, Not(HasSubstr("--timeout")));
}

}  // namespace
}  // namespace reeve::ctl
