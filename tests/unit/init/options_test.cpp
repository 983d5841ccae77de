#include "supervisor/init/options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace reeve::init {
namespace {

/// argv, as main() gets it, behind its first word.
class Arguments {
  public:
    explicit Arguments(std::vector<std::string> words) : words_(std::move(words)) {
        for (std::string& word : words_) pointers_.push_back(word.data());
        pointers_.push_back(nullptr);
    }
    std::optional<Result<Options>> parse() const {
        return init::parse({pointers_.data(), words_.size()});
    }
    char* word(std::size_t i) const { return pointers_[i]; }

  private:
    std::vector<std::string> words_;
    std::vector<char*> pointers_;
};

Options understood(std::vector<std::string> words) {
    const auto options = Arguments(std::move(words)).parse();
    EXPECT_TRUE(options.has_value() && *options);
    return options && *options ? **options : Options();
}

std::string complaint(std::vector<std::string> words) {
    const auto options = Arguments(std::move(words)).parse();
    if (!options) return "not for us";
    return *options ? "" : options->error().text();
}

TEST(InitOptions, WithoutTheSeparatorItIsNotAsked) {
    EXPECT_FALSE(Arguments({}).parse());
    EXPECT_FALSE(Arguments({"-g"}).parse());
    EXPECT_FALSE(Arguments({"--check", "-c", "x"}).parse());
}

TEST(InitOptions, TheCommandIsAllBehindTheFirstSeparator) {
    const Arguments arguments({"-g", "--", "sh", "-c", "--", "-e"});
    const auto options = arguments.parse();
    ASSERT_TRUE(options && *options);
    EXPECT_EQ((*options)->command[0], arguments.word(2));
    EXPECT_EQ((*options)->command[3], arguments.word(5));
    EXPECT_EQ((*options)->command[4], nullptr);
}

TEST(InitOptions, BySilenceEverySignalIsItself) {
    const Options options = understood({"--", "x"});
    EXPECT_FALSE(options.group);
    EXPECT_TRUE(options.expected.none());
    for (int signal = 1; signal < NSIG; ++signal) {
        EXPECT_EQ(options.sends[static_cast<std::size_t>(signal)], signal);
    }
}

TEST(InitOptions, SignalsAreRewrittenByNameOrNumber) {
    const Options options = understood({"--rewrite", "TERM:SIGQUIT", "--rewrite=15:3", "--rewrite",
                                        "RTMIN+1:9", "--rewrite", "HUP:0", "--", "x"});
    EXPECT_EQ(options.sends[SIGTERM], SIGQUIT);
    EXPECT_EQ(options.sends[static_cast<std::size_t>(SIGRTMIN) + 1], SIGKILL);
    EXPECT_EQ(options.sends[SIGHUP], 0);
    EXPECT_EQ(options.sends[SIGINT], SIGINT);
}

TEST(InitOptions, ShortOptionsMayStandTogether) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{"-ge3", "--", "x"},
                                                  {"-g", "-e", "3", "--", "x"},
                                                  {"-ge", "3", "--", "x"},
                                                  {"--group", "--expect-exit=3", "--", "x"},
                                                  {"--expect-exit", "3", "-g", "--", "x"}}) {
        const Options options = understood(words);
        EXPECT_TRUE(options.group);
        EXPECT_TRUE(options.expected.test(3));
        EXPECT_EQ(options.expected.count(), 1u);
    }
}

TEST(InitOptions, ExpectedStatusesAddUp) {
    const Options options = understood({"-e", "143", "-e0", "-e", "255", "--", "x"});
    EXPECT_EQ(options.expected.count(), 3u);
    EXPECT_TRUE(options.expected.test(255));
}

TEST(InitOptions, WhatMakesNoSenseIsRefused) {
    EXPECT_EQ(complaint({"--"}), "there is no command behind --");
    for (const char* rule :
         {"TERM", "TERM:", ":TERM", "TERM:NONE", "99:1", "TERM:QUIT:1", "", "0:15"}) {
        EXPECT_NE(complaint({"--rewrite", rule, "--", "x"}).find("takes FROM:TO"),
                  std::string::npos)
            << rule;
    }
    for (const char* code : {"256", "-1", "x", "", "1x", "99999999999"}) {
        EXPECT_NE(complaint({"-e", code, "--", "x"}).find("from 0 to 255"), std::string::npos)
            << code;
    }
    EXPECT_EQ(complaint({"--rewrite", "KILL:TERM", "--", "x"}),
              "cannot rewrite SIGKILL: nobody can catch it");
    EXPECT_EQ(complaint({"--rewrite=INT:TERM", "--rewrite=INT:0", "--", "x"}),
              "--rewrite has two answers to SIGINT");
}

TEST(InitOptions, OtherOptionsAreForTheWholeCommandLinesParser) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{"-c", "x", "--", "x"},
                                                  {"--help", "--", "x"},
                                                  {"-e", "--", "x"},
                                                  {"stray", "--", "x"},
                                                  {"-gx", "--", "x"},
                                                  {"--group=yes", "--", "x"},
                                                  {"-", "--", "x"},
                                                  {"", "--", "x"}}) {
        EXPECT_FALSE(Arguments(words).parse()) << words[0];
    }
}

}  // namespace
}  // namespace reeve::init
