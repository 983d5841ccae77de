#include "supervisor/shell/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <span>
#include <string_view>

#include "base/nearest.h"
#include "config/own_log.h"
#include "supervisor/init/options.h"
#include "supervisor/shell/environment.h"
#include "supervisor/shell/version.h"

namespace reeve::shell {

namespace {

constexpr int usage_status = 2;
constexpr auto init_group = "With -- COMMAND only, as init for one command";

constexpr std::array<std::string_view, 5> levels = {"trace", "debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> formats = {"text", "json"};

int usage(const std::string& sentence) {
    std::cerr << "reeved: " << sentence << "\n";
    return usage_status;
}

/// The options as CLI11 hands them over, before their words are understood.
struct Words {
    std::string level, format;
    std::vector<std::string> init;  // what they say is understood by init::parse
};

void describe_init(CLI::App& app, Words& words) {
    for (const init::OptionText& option : init::option_texts) {
        CLI::Option* const made = *option.value == '\0'
                                      ? app.add_flag(option.names, option.text)
                                      : app.add_option(option.names, words.init, option.text)
                                            ->option_text(option.value)
                                            ->allow_extra_args(false);
        made->group(init_group);
    }
}

void describe(CLI::App& app, Options& options, Words& words) {
    app.add_option("-c,--config", options.config,
                   "A file, or a folder whose *.yaml are read in order of name; repeatable")
        ->option_text("PATH")
        ->allow_extra_args(false);
    app.add_flag("--check", options.check, "Validate the configuration and exit: 0 valid, 1 not");
    app.add_flag("--can-resume", options.can_resume,
                 "Say whether it could take over from the reeved that runs, and exit: 0 yes, 1 no");
    app.add_flag("--daemonize", options.daemonize,
                 "Go to the background; exit 0 once boot has come up, 1 if it cannot");
    const auto path = [&](const char* name, std::string& into, const char* text) {
        app.add_option(name, into, text)->type_name("PATH");
    };
    path("--pid-file", options.pid_file, "Written once up, removed at exit");
    path("--runtime-dir", options.runtime_dir, "For the control socket and log pipes");
    path("--log-dir", options.log_dir, "For the services' logs");
    path("--state-dir", options.state_dir, "For what lasts beyond a boot");
    app.add_option("--log-level", words.level, "trace, debug, info (default), warning or error")
        ->type_name("LEVEL");
    app.add_option("--log-format", words.format, "text (default) or json")->type_name("FORMAT");
    path("--log-file", options.log_file, "For its own messages, instead of stderr; or syslog");
    app.set_version_flag("-V,--version", std::string("reeved ") + version, "Print the version");
    app.set_help_flag("-h,--help", "Print this");
    describe_init(app, words);
    app.get_formatter()->column_width(24);
    app.footer(
        "Without --config it reads /etc/reeve/reeve.yaml and /etc/reeve/services.d/*.yaml, or as\n"
        "another user than root the same in $XDG_CONFIG_HOME/reeve. REEVE_CONFIG,\n"
        "REEVE_RUNTIME_DIR, REEVE_LOG_DIR and REEVE_STATE_DIR stand in for options that are not\n"
        "given. As a daemon it keeps its own messages in supervisor.log in the log folder.\n"
        "\n"
        "Signals: TERM, INT and SIGRTMIN+3 stop every service in reverse order of dependency and\n"
        "exit, a second one kills what is left; HUP reads the configuration again; USR1 opens log\n"
        "files anew, after somebody has moved them; USR2 executes the program anew, services go "
        "on.\n"
        "\n"
        "Exit status: 0 after an asked-for stop, 1 could not boot, 2 usage; with on_exit: "
        "shutdown\n"
        "that service's, 128+N for signal N.\n"
        "\n"
        "As init for one command, reeved [-g] [--rewrite FROM:TO]... [-e CODE]... -- COMMAND "
        "[ARG]...\n"
        "reads no configuration and writes no files. It forwards every signal to the command, "
        "reaps\n"
        "orphans, and exits with the command's status: 128+N for signal N, 126 not executable, "
        "127\n"
        "not found.");
}

int unexpected(const CLI::App& app, const std::string& word, bool as_init) {
    if (!word.starts_with('-')) {
        if (as_init) return usage("unexpected argument " + word + " before --");
        return usage("unexpected argument " + word + "; a configuration is named with --config " +
                     word);
    }
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    const std::string name = word.substr(0, word.find('='));
    const auto meant = name.size() <= 64 ? nearest(name, names) : std::nullopt;
    return usage("unknown option " + name +
                 (meant ? "; did you mean " + *meant + "?" : "; reeved --help lists them"));
}

/// Says which option is on the wrong side of the difference that `-- COMMAND` makes; 0 if none.
int misplaced(const CLI::App& app, bool as_init) {
    for (const CLI::Option* option : app.get_options()) {
        if (option->count() == 0 || (option->get_group() == init_group) == as_init) continue;
        const std::string name = "--" + option->get_lnames().front();
        return usage(as_init ? name +
                                   " has no meaning with -- COMMAND: init for one command reads no "
                                   "configuration and writes no files"
                             : name + " needs a command to be init for, behind -- at the end");
    }
    return 0;
}

/// Puts the enumerator with the number of the word among those known; false, having said so, if
/// none.
template <typename Enum>
bool choose(const char* option, const std::string& word, std::span<const std::string_view> known,
            std::optional<Enum>& into) {
    if (word.empty()) return true;
    const auto found = std::find(known.begin(), known.end(), word);
    if (found != known.end()) {
        into = static_cast<Enum>(found - known.begin());
        return true;
    }
    std::string sentence = option + std::string(" takes ");
    for (std::size_t i = 0; i < known.size(); ++i) {
        sentence += i == 0 ? "" : i + 1 == known.size() ? " or " : ", ";
        sentence += known[i];
    }
    usage(sentence + ", not " + word);
    return false;
}

}  // namespace

std::variant<Options, int> parse_command_line(int argc, char** argv) {
    const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
    Options options;
    Words words;
    CLI::App app("Supervises the services that its configuration names.", "reeved");
    describe(app, options, words);
    app.allow_extras();
    const auto separator = std::find(arguments.begin(), arguments.end(), std::string_view("--"));
    const bool as_init = separator != arguments.end();
    try {
        app.parse(static_cast<int>(separator - arguments.begin()), argv);
    } catch (const CLI::Success& asked_for) {
        app.exit(asked_for, std::cout, std::cerr);
        return 0;
    } catch (const CLI::ArgumentMismatch& error) {
        const std::string_view what = error.what();
        return usage(std::string(what.substr(0, what.find(':'))) + " needs a value");
    } catch (const CLI::ParseError& error) {
        return usage(error.what());
    }
    if (const int status = misplaced(app, as_init)) return status;
    if (const auto extras = app.remaining(); !extras.empty()) {
        return unexpected(app, extras.front(), as_init);
    }
    // Only what init::parse did not understand comes here.
    if (as_init) return usage("cannot understand the options before --; reeved --help lists them");
    if (!choose("--log-level", words.level, levels, options.log_level) ||
        !choose("--log-format", words.format, formats, options.log_format)) {
        return usage_status;
    }
    for (std::string& path : options.config) path = absolute(path);
    for (std::string* path :
         {&options.pid_file, &options.runtime_dir, &options.log_dir, &options.state_dir}) {
        *path = absolute(*path);
    }
    if (options.log_file != config::kSyslog) {
        options.log_file = absolute(options.log_file);
    }
    return options;
}

void apply(const Options& options, config::Supervisor& settings) {
    if (options.log_level) settings.log.level = *options.log_level;
    if (options.log_format) settings.log.format = *options.log_format;
    if (!options.log_file.empty()) settings.log.file = options.log_file;
    if (settings.log.file.empty()) settings.log.file = options.default_log_file;
}

}  // namespace reeve::shell
