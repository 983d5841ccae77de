#include "supervisor/shell/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace reeve::shell {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// What came of a command line, and what was said.
struct Parsed {
    std::variant<Options, int> result;
    std::string out, err;

    const Options& options() const { return std::get<Options>(result); }
    int status() const { return std::holds_alternative<int>(result) ? std::get<int>(result) : -1; }
};

Parsed parse(std::vector<std::string> words) {
    words.insert(words.begin(), "reeved");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Parsed parsed{parse_command_line(static_cast<int>(words.size()), argv.data()), {}, {}};
    parsed.out = testing::internal::GetCapturedStdout();
    parsed.err = testing::internal::GetCapturedStderr();
    return parsed;
}

std::string usage_error(std::vector<std::string> words) {
    const Parsed parsed = parse(std::move(words));
    EXPECT_EQ(parsed.status(), 2);
    EXPECT_EQ(parsed.out, "");
    return parsed.err;
}

TEST(CommandLine, NothingAsksForNothing) {
    const Options options = parse({}).options();
    EXPECT_TRUE(options.config.empty());
    EXPECT_FALSE(options.check || options.daemonize || options.log_level || options.log_format);
    EXPECT_EQ(options.pid_file + options.log_file, "");
}

TEST(CommandLine, EveryOptionIsTaken) {
    const Options options =
        parse({"-c", "/a", "--config", "/b", "--check", "--daemonize", "--pid-file", "/p",
               "--runtime-dir", "/r", "--log-dir=/l", "--state-dir", "/s", "--log-level", "error",
               "--log-format", "json", "--log-file", "/f"})
            .options();
    EXPECT_THAT(options.config, ElementsAre("/a", "/b"));
    EXPECT_TRUE(options.check);
    EXPECT_TRUE(options.daemonize);
    EXPECT_EQ(options.pid_file, "/p");
    EXPECT_EQ(options.runtime_dir, "/r");
    EXPECT_EQ(options.log_dir, "/l");
    EXPECT_EQ(options.state_dir, "/s");
    EXPECT_EQ(options.log_level, config::LogLevel::Error);
    EXPECT_EQ(options.log_format, config::LogFormat::Json);
    EXPECT_EQ(options.log_file, "/f");
}

TEST(CommandLine, TheLogFileIsAPathOrSyslog) {
    EXPECT_EQ(parse({"--log-file", "syslog"}).options().log_file, "syslog");
    EXPECT_EQ(parse({"--log-file", "./syslog"}).options().log_file.front(), '/');
}

TEST(CommandLine, PathsAreMadeAbsolute) {
    const std::string here = std::filesystem::current_path();
    const Options options = parse({"-c", "a/../b.yaml", "--pid-file", "p"}).options();
    EXPECT_THAT(options.config, ElementsAre(here + "/b.yaml"));
    EXPECT_EQ(options.pid_file, here + "/p");
}

TEST(CommandLine, AnUnknownOptionNamesTheNearest) {
    EXPECT_EQ(usage_error({"--conifg", "x"}),
              "reeved: unknown option --conifg; did you mean --config?\n");
    EXPECT_EQ(usage_error({"--log-levl=debug"}),
              "reeved: unknown option --log-levl; did you mean --log-level?\n");
    EXPECT_EQ(usage_error({"-x"}), "reeved: unknown option -x; reeved --help lists them\n");
}

TEST(CommandLine, BadUsageIsOneSentence) {
    EXPECT_EQ(usage_error({"stray.yaml"}),
              "reeved: unexpected argument stray.yaml; a configuration is named with --config "
              "stray.yaml\n");
    EXPECT_EQ(usage_error({"-c"}), "reeved: --config needs a value\n");
    EXPECT_EQ(usage_error({"--log-level", "loud"}),
              "reeved: --log-level takes trace, debug, info, warning or error, not loud\n");
    EXPECT_EQ(usage_error({"--log-format", "xml"}),
              "reeved: --log-format takes text or json, not xml\n");
    EXPECT_THAT(usage_error({"-c", "x", "--", "true"}), HasSubstr("-- COMMAND"));
}

TEST(CommandLine, HelpAndVersionAreNoErrors) {
    for (const char* word : {"-h", "--help", "-V", "--version"}) {
        const Parsed parsed = parse({word});
        EXPECT_EQ(parsed.status(), 0);
        EXPECT_EQ(parsed.err, "");
        EXPECT_THAT(parsed.out, HasSubstr("reeved"));
    }
}

TEST(CommandLine, FlagsBeatTheConfigurationWhichBeatsADaemonsDefault) {
    Options options;
    options.default_log_file = "/default";
    config::Supervisor settings;
    apply(options, settings);
    EXPECT_EQ(settings.log.file, "/default");
    settings.log.file = "/yaml";
    apply(options, settings);
    EXPECT_EQ(settings.log.file, "/yaml");
    options.log_file = "/flag";
    options.log_level = config::LogLevel::Debug;
    apply(options, settings);
    EXPECT_EQ(settings.log.file, "/flag");
    EXPECT_EQ(settings.log.level, config::LogLevel::Debug);
}

}  // namespace
}  // namespace reeve::shell
