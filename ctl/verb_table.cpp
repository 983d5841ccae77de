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
constexpr std::string_view configuration = "Change the configuration";
constexpr std::string_view supervisor = "The supervisor itself";

constexpr OptionSet of_command = {Quiet, NoWait, Timeout};

Exit run_start(Task& task) { return run_command(task, Verb::Start); }
Exit run_stop(Task& task) { return run_command(task, Verb::Stop); }
Exit run_restart(Task& task) { return run_command(task, Verb::Restart); }
Exit run_reload(Task& task) { return run_command(task, Verb::Reload); }

constexpr std::array table = {
    VerbInfo{"status",
             look,
             "What the services are doing; all about one of them",
             Operands::AnyNames,
             {Quiet},
             run_status,
             "Exit status 0 when all that are named run (or none is named), else 3."},
    VerbInfo{"why",
             look,
             "Why a service is in its state, and what to do about it",
             Operands::OneName,
             {},
             run_why},
    VerbInfo{"failures",
             look,
             "How services failed lately, with their last lines",
             Operands::AnyNames,
             {Last},
             run_failures,
             "The last 10, newest last, unless -n says otherwise."},
    VerbInfo{"logs",
             look,
             "What services wrote",
             Operands::AnyNames,
             {Quiet, Follow, Last},
             run_logs,
             "With -f the last 10 lines come first, unless -n says otherwise.\n"
             "--quiet leaves out notes, such as that a service has no log yet."},
    VerbInfo{"events",
             look,
             "What happened, newest last",
             Operands::AnyNames,
             {Follow, Last},
             run_events,
             "With -f the present state of every service comes first, behind the last N\n"
             "events if -n asks for them. What concerns no service in particular is shown\n"
             "whatever is named. Exit status 6 when the supervisor ended unasked."},
    VerbInfo{"start", act, "Start services and what they require", Operands::Names, of_command,
             run_start},
    VerbInfo{"stop", act, "Stop services and what requires them", Operands::Names, of_command,
             run_stop},
    VerbInfo{"restart", act, "Stop and start services; start those that are stopped",
             Operands::Names, of_command, run_restart},
    VerbInfo{"reload", act, "Have running services read their own configuration again",
             Operands::Names, of_command, run_reload,
             "Exit status 3 when one of them is not running."},
    VerbInfo{"check",
             configuration,
             "Validate configuration files",
             Operands::Paths,
             {Quiet},
             run_check,
             "Without a PATH: the configuration that reeved would read.\n"
             "Exit status 0 when it is valid, else 1; 4 when there is nothing at a PATH."},
    VerbInfo{"shutdown", supervisor, "Stop everything and the supervisor", Operands::None,
             of_command, run_shutdown},
    VerbInfo{"version",
             supervisor,
             "The versions of client and supervisor",
             Operands::None,
             {},
             run_version},
    VerbInfo{"list"},
    VerbInfo{"show"},
    VerbInfo{"cat"},
    VerbInfo{"kill"},
    VerbInfo{"reset-failed"},
    VerbInfo{"enable"},
    VerbInfo{"disable"},
    VerbInfo{"is-active"},
    VerbInfo{"is-ready"},
    VerbInfo{"is-failed"},
    VerbInfo{"is-enabled"},
    VerbInfo{"wait"},
    VerbInfo{"diff"},
    VerbInfo{"apply"},
    VerbInfo{"reopen"},
    VerbInfo{"tree"},
    VerbInfo{"deps"},
    VerbInfo{"boot"},
    VerbInfo{"top"},
    VerbInfo{"run"},
    VerbInfo{"import"},
    VerbInfo{"simulate"},
    VerbInfo{"upgrade"},
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
