#include "ctl/verb_table.h"

#include <algorithm>
#include <array>

#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

using enum Option;
using protocol::Verb;

constexpr std::string_view look = "See what is going on";
constexpr std::string_view act = "Start, stop and the like";
constexpr std::string_view ask = "Ask, in scripts, by exit status";
constexpr std::string_view configuration = "The configuration";
constexpr std::string_view supervisor = "The supervisor itself";

constexpr OptionSet no_option = {};
constexpr OptionSet of_logs = {Follow, Last, Since, Before, Stream, Grep, Run};
constexpr OptionSet of_failures = {Last};
constexpr OptionSet of_events = {Follow, Last};
constexpr OptionSet of_show = {Property, Value};
constexpr OptionSet of_command = {NoWait, Timeout, DryRun};
constexpr OptionSet of_kill = {Signal, Tree};
constexpr OptionSet of_enablement = {Now, NoWait, Timeout};
constexpr OptionSet of_wait = {Until, Timeout};
constexpr OptionSet of_shutdown = {NoWait, Timeout};

Exit run_start(Task& task) { return run_command(task, Verb::Start); }
Exit run_stop(Task& task) { return run_command(task, Verb::Stop); }
Exit run_restart(Task& task) { return run_command(task, Verb::Restart); }
Exit run_reload(Task& task) { return run_command(task, Verb::Reload); }

constexpr std::array table = {
    VerbInfo{"status", look, "What the services are doing; all about one of them",
             Operands::AnyNames, no_option, run_status,
             "Exit status 0 when all that are named run (or none is named), else 3."},
    VerbInfo{"why", look, "Why a service is in its state, and what to do about it",
             Operands::OneName, no_option, run_why},
    VerbInfo{"failures", look, "How services failed lately, with their last lines",
             Operands::AnyNames, of_failures, run_failures,
             "The last 10, newest last, unless -n says otherwise."},
    VerbInfo{"logs", look, "What services wrote", Operands::AnyNames, of_logs, run_logs,
             "With -f the last 10 lines come first, unless -n, --since or --run says what\n"
             "does; with --until it ends once that time has come. -n counts what matches.\n"
             "T is how long ago (10m, 1h30m, 2d), now, today, yesterday, a time of today\n"
             "(10:00), a date, \"2026-11-21 10:00:00\", all in the local time zone, or RFC 3339.\n"
             "A run goes from a start to where nothing of it was left, hooks included. reeved\n"
             "remembers the present one and the last 10 that are over; exit status 4 for\n"
             "others.\n"
             "--quiet leaves out notes, such as that a service has no log yet."},
    VerbInfo{"events", look, "What happened, newest last", Operands::AnyNames, of_events,
             run_events,
             "With -f the present state of every service comes first, behind the last N\n"
             "events if -n asks for them. What concerns no service in particular is shown\n"
             "whatever is named. Exit status 6 when the supervisor ended unasked."},
    VerbInfo{"list", look, "The names of services, one a line", Operands::AnyNames, no_option,
             run_list},
    VerbInfo{"show", look, "Every property of services, for scripts", Operands::AnyNames, of_show,
             run_show,
             "Prints key=value lines: what status --json has, then definition.KEY, as cat has\n"
             "it. Lists are JSON. -p picks a key and all below it: last_exit, definition.\n"
             "Several services have an empty line between them."},

    VerbInfo{"start", act, "Start services and what they require", Operands::Names, of_command,
             run_start},
    VerbInfo{"stop", act, "Stop services and what requires them", Operands::Names, of_command,
             run_stop},
    VerbInfo{"restart", act, "Stop and start services; start those that are stopped",
             Operands::Names, of_command, run_restart},
    VerbInfo{"reload", act, "Have running services read their own configuration again",
             Operands::Names, of_command, run_reload,
             "Exit status 3 when one of them is not running."},
    VerbInfo{"kill", act, "Send a signal to the main process of services", Operands::Names, of_kill,
             run_kill,
             "SIG is a name (HUP, SIGHUP) or a number. What the service makes of the signal is\n"
             "its own affair: if it ends, it is restarted as its definition says; see stop.\n"
             "Exit status 3 when one of them has no process."},
    VerbInfo{"reset-failed", act, "Have failed services count as stopped, and forget why",
             Operands::Names, no_option, run_reset_failed},
    VerbInfo{"enable", act, "Have services started at boot", Operands::Names, of_enablement,
             run_enable,
             "Lasts, and counts for more than what the configuration says. Starts nothing\n"
             "without --now."},
    VerbInfo{"disable", act, "Have services not started at boot", Operands::Names, of_enablement,
             run_disable,
             "Lasts, and counts for more than what the configuration says. Stops nothing\n"
             "without --now."},

    VerbInfo{"is-active", ask, "Does any of them run?", Operands::Names, no_option, run_is_active,
             "Prints the state of each, in the order of the names. Exit status 0 when any is\n"
             "running or reloading, else 3."},
    VerbInfo{"is-ready", ask, "Is any of them ready for those that depend on it?", Operands::Names,
             no_option, run_is_ready,
             "Prints ready or not-ready for each, in the order of the names. Exit status 0\n"
             "when any is ready, else 3."},
    VerbInfo{"is-failed", ask, "Has any of them failed?", Operands::Names, no_option, run_is_failed,
             "Prints the state of each, in the order of the names. Exit status 0 when any has\n"
             "failed, else 3."},
    VerbInfo{"is-enabled", ask, "Is any of them started at boot?", Operands::Names, no_option,
             run_is_enabled,
             "Prints enabled or disabled for each, in the order of the names. Exit status 0\n"
             "when any is enabled, else 3."},
    VerbInfo{"wait", ask, "Wait until they all are ready, stopped, failed or done", Operands::Names,
             of_wait, run_wait,
             "Changes nothing. Exit status 0 once all are, 1 when one of them cannot get there\n"
             "by itself, 7 when the time is up."},

    VerbInfo{"check", configuration, "Validate configuration files", Operands::Paths, no_option,
             run_check,
             "Without a PATH: the files in use by the supervisor that -s names; else\n"
             "$REEVE_CONFIG; else the files in use by the supervisor that $REEVE_SOCKET or\n"
             "$REEVE_RUNTIME_DIR names; else what reeved would read.\n"
             "Exit status 0 when it is valid, else 1; 4 when it is not there, 5 when it may\n"
             "not be read."},
    VerbInfo{"diff", configuration, "What apply would change, and do", Operands::None, no_option,
             run_diff, "Exit status 0 when the configuration is valid, differing or not, else 1."},
    VerbInfo{"apply", configuration, "Have reeved read its configuration again, all or nothing",
             Operands::None, of_command, run_apply,
             "What has not changed is left alone. Exit status 1 when the configuration is not\n"
             "valid, and then nothing has changed; also when a service that it changed failed."},
    VerbInfo{"cat", configuration, "Definitions as they are in effect, as YAML", Operands::AnyNames,
             no_option, run_cat, "What is printed is a configuration file that can be loaded."},

    VerbInfo{"reopen", supervisor, "Open the log files anew, after somebody moved them",
             Operands::None, no_option, run_reopen},
    VerbInfo{"shutdown", supervisor, "Stop everything and the supervisor", Operands::None,
             of_shutdown, run_shutdown},
    VerbInfo{"upgrade", supervisor, "Replace the supervisor's program; services go on",
             Operands::MaybePath, no_option, run_upgrade,
             "The new program has to show first that it can take over; if it cannot, that is\n"
             "said, exit status 1, and nothing has changed."},
    VerbInfo{"version", supervisor, "The versions of client and supervisor", Operands::None,
             no_option, run_version},

    VerbInfo{"tree"},
    VerbInfo{"deps"},
    VerbInfo{"boot"},
    VerbInfo{"top"},
    VerbInfo{"run"},
    VerbInfo{"import"},
    VerbInfo{"simulate"},
    VerbInfo{"completion"},
};

}  // namespace

bool VerbInfo::takes(Option option) const {
    if (option == All) return operands == Operands::Names || operands == Operands::AnyNames;
    return options.contains(option) || behind_every_verb.contains(option);
}

std::span<const VerbInfo> verbs() { return table; }

const VerbInfo* find_verb(std::string_view name) {
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const VerbInfo& verb) { return verb.name == name; });
    return found != table.end() ? &*found : nullptr;
}

}  // namespace reeve::ctl
