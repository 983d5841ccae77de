#include "ctl/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>

#include "base/nearest.h"
#include "config/values.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

/// Every verb of the contract. One without a summary is known and not supported yet; --help lists
/// the others.
struct VerbInfo {
    std::string_view name;
    const char* summary;
};

constexpr std::array verbs = {
    VerbInfo{"status", "What the services are doing; all about one of them"},
    VerbInfo{"start", "Start services and what they require"},
    VerbInfo{"stop", "Stop services and what requires them"},
    VerbInfo{"restart", "Stop and start services"},
    VerbInfo{"reload", "Have running services read their own configuration again"},
    VerbInfo{"logs", "What services wrote"},
    VerbInfo{"check", "Validate configuration files"},
    VerbInfo{"shutdown", "Stop everything and the supervisor"},
    VerbInfo{"version", "The versions of client and supervisor"},
    VerbInfo{"kill", nullptr},
    VerbInfo{"reset-failed", nullptr},
    VerbInfo{"enable", nullptr},
    VerbInfo{"disable", nullptr},
    VerbInfo{"is-active", nullptr},
    VerbInfo{"is-ready", nullptr},
    VerbInfo{"is-failed", nullptr},
    VerbInfo{"is-enabled", nullptr},
    VerbInfo{"wait", nullptr},
    VerbInfo{"why", nullptr},
    VerbInfo{"failures", nullptr},
    VerbInfo{"events", nullptr},
    VerbInfo{"list", nullptr},
    VerbInfo{"show", nullptr},
    VerbInfo{"cat", nullptr},
    VerbInfo{"tree", nullptr},
    VerbInfo{"deps", nullptr},
    VerbInfo{"boot", nullptr},
    VerbInfo{"top", nullptr},
    VerbInfo{"diff", nullptr},
    VerbInfo{"apply", nullptr},
    VerbInfo{"run", nullptr},
    VerbInfo{"import", nullptr},
    VerbInfo{"simulate", nullptr},
    VerbInfo{"reopen", nullptr},
    VerbInfo{"upgrade", nullptr},
    VerbInfo{"completion", nullptr},
};

Remark usage(std::string sentence) {
    return {Exit::Usage, "reevectl: " + std::move(sentence) + "\n"};
}

/// The first argument that is neither an option nor an option's value.
std::optional<std::string> verb_among(std::span<const std::string> arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        if (argument == "-s" || argument == "--socket") {
            ++i;
        } else if (!argument.starts_with('-')) {
            return argument;
        }
    }
    return std::nullopt;
}

/// What is to be said of a verb that cannot be carried out.
std::optional<Remark> objection(std::string_view verb) {
    std::vector<std::string_view> names;
    for (const VerbInfo& known : verbs) {
        if (known.name == verb) {
            if (known.summary != nullptr) return std::nullopt;
            return usage(std::string(verb) + " is not supported yet");
        }
        names.push_back(known.name);
    }
    std::string sentence = "there is no verb " + harmless(verb.substr(0, 64));
    if (const auto meant = verb.size() <= 64 ? nearest(verb, names) : std::nullopt) {
        sentence += "; did you mean " + *meant + "?";
    } else {
        sentence += "; reevectl --help lists them";
    }
    return usage(std::move(sentence));
}

/// The texts behind the options that CLI11 cannot turn into values as the contract has them.
struct Texts {
    std::string timeout;
    std::string lines;
    bool all = false;
    bool no_wait = false;
    bool no_colour = false;
};

void add_verb(CLI::App& app, const VerbInfo& verb, Invocation& into, Texts& texts) {
    CLI::App* sub = app.add_subcommand(std::string(verb.name), verb.summary);
    sub->fallthrough();
    sub->group("Verbs");
    // The end of the program's own help is not that of every verb.
    sub->footer("");
    const auto is = [&](std::initializer_list<std::string_view> names) {
        return std::find(names.begin(), names.end(), verb.name) != names.end();
    };
    const bool is_command = is({"start", "stop", "restart", "reload"});
    if (is_command || is({"status", "logs"})) {
        sub->add_option("NAME", into.names,
                        "Services: names, globs such as 'web*', groups as @NAME")
            ->take_all()
            ->type_name("");
        sub->add_flag("-a,--all", texts.all, "All services");
    }
    if (is({"check"})) {
        sub->add_option("PATH", into.names, "Files, or folders whose *.yaml are read in order")
            ->take_all()
            ->type_name("");
    }
    if (is_command || is({"shutdown"})) {
        sub->add_flag("--no-wait", texts.no_wait, "Return once it is under way");
        sub->add_option("--timeout", texts.timeout, "Give up waiting after this long: 30s, 5m")
            ->type_name("D");
    }
    if (is({"logs"})) {
        sub->add_flag("-f,--follow", into.follow, "Go on with what is written from now on");
        sub->add_option("-n,--lines", texts.lines, "Only the last N lines (with -f: 10), or all")
            ->type_name("N");
    }
}

std::optional<Remark> apply(const Texts& texts, Invocation& into) {
    into.wait = !texts.no_wait;
    into.colour = !texts.no_colour;
    if (!texts.timeout.empty()) {
        const auto timeout = config::parse_duration(texts.timeout);
        if (!timeout) return usage("--timeout: " + timeout.error().what);
        into.timeout = *timeout;
    }
    if (!texts.lines.empty() && texts.lines != "all") {
        std::uint64_t lines = 0;
        const char* end = texts.lines.data() + texts.lines.size();
        const auto [rest, failed] = std::from_chars(texts.lines.data(), end, lines);
        if (failed != std::errc() || rest != end) {
            return usage("-n takes a number of lines, or all: " + harmless(texts.lines));
        }
        into.lines = lines;
    } else if (texts.lines.empty() && into.follow) {
        into.lines = 10;
    }
    if (texts.all && !into.names.empty()) return usage("--all leaves no room for names");
    const bool needs_names = into.verb == "start" || into.verb == "stop" ||
                             into.verb == "restart" || into.verb == "reload";
    // What looks at services looks at all of them when none is named.
    if (texts.all && needs_names) into.names = {"*"};
    if (needs_names && into.names.empty()) {
        return usage(into.verb + " needs a NAME, @GROUP or --all; reevectl status lists the names");
    }
    return std::nullopt;
}

}  // namespace

std::variant<Invocation, Remark> parse_arguments(std::span<const std::string> arguments) {
    Invocation invocation;
    Texts texts;
    CLI::App app{"Asks and tells a running reeved", "reevectl"};
    app.set_version_flag("-V,--version", "reevectl " REEVE_VERSION);
    app.add_option("-s,--socket", invocation.socket, "The supervisor's control socket")
        ->type_name("SOCKET");
    app.add_flag("--json", invocation.json, "One stable document instead of text");
    app.add_flag("--no-color,--no-colour", texts.no_colour, "No colours, on a terminal neither");
    app.add_flag("-q,--quiet", invocation.quiet, "Say nothing of success");
    app.require_subcommand(1);
    app.get_formatter()->column_width(24);
    app.get_formatter()->label("SUBCOMMAND", "VERB");
    app.footer(
        "\nNames take shell globs (quote them), @GROUP and --all.\n"
        "Exit status: 0 done, 1 failed, 2 usage, 3 not running, 4 no such service or\n"
        "configuration, 5 not allowed, 6 no supervisor answers, 7 timed out.");
    for (const VerbInfo& verb : verbs) {
        if (verb.summary != nullptr) add_verb(app, verb, invocation, texts);
    }
    const auto verb = verb_among(arguments);
    if (verb) {
        if (auto remark = objection(*verb)) return *remark;
    }
    try {
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    } catch (const CLI::CallForHelp&) {
        const auto subs = app.get_subcommands();
        return Remark{Exit::Done, subs.empty() ? app.help() : subs.front()->help("reevectl")};
    } catch (const CLI::CallForVersion&) {
        return Remark{Exit::Done, app.version() + "\n"};
    } catch (const CLI::ParseError& failed) {
        if (!verb) return usage("which verb? reevectl --help lists them");
        return usage(harmless(failed.what()));
    }
    invocation.verb = app.get_subcommands().front()->get_name();
    if (auto remark = apply(texts, invocation)) return *remark;
    return invocation;
}

}  // namespace reeve::ctl
