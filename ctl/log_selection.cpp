#include "ctl/log_selection.h"

#include <fnmatch.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/nearest.h"
#include "config/instances.h"
#include "ctl/client.h"
#include "ctl/log_folder.h"
#include "ctl/names.h"
#include "ctl/sockets.h"
#include "ctl/text.h"

namespace reeve::ctl {

namespace {

LogSelection choose(const std::string& log_dir, const std::vector<std::string>& services,
                    const LogQuery& query) {
    LogSelection selection{log_dir, {}};
    for (const std::string& service : services) selection.choices.push_back({service, query});
    return selection;
}

/// The services by their folders, for when there is no supervisor, or it no longer knows them.
Attempt<LogSelection> select_by_folder(const std::string& log_dir,
                                       const std::vector<std::string>& names,
                                       const LogQuery& query) {
    const auto folders = services_with_logs(log_dir);
    if (!folders) {
        const bool forbidden = folders.error().errnum == EACCES;
        return Complaint{forbidden ? Exit::NotAllowed : Exit::NoSuchService,
                         harmless(folders.error().text())};
    }
    if (names.empty()) return choose(log_dir, *folders, query);
    std::set<std::string> chosen;
    for (const std::string& name : names) {
        const std::size_t before = chosen.size();
        for (const std::string& folder : *folders) {
            const bool chooses = config::is_instance_of(folder, name) ||
                                 fnmatch(name.c_str(), folder.c_str(), FNM_NOESCAPE) == 0;
            if (chooses) chosen.insert(folder);
        }
        if (chosen.size() > before || chosen.contains(name)) continue;
        std::string message = "there is no log of " + name + " in " + log_dir;
        if (const auto meant = nearest(name, *folders)) message += "; did you mean " + *meant + "?";
        return Complaint{Exit::NoSuchService, harmless(message)};
    }
    return choose(log_dir, {chosen.begin(), chosen.end()}, query);
}

Attempt<LogSelection> select_by_supervisor(Client& client, const std::vector<std::string>& names,
                                           const LogQuery& query) {
    const auto document = client.ask(protocol::StatusQuery{names, false, false});
    if (!document) return document.error();
    const auto welcome = client.welcome();
    if (!welcome) return welcome.error();
    std::vector<std::string> services;
    for (const auto& service : document->services) services.push_back(service.name);
    return choose(welcome->log_dir, services, query);
}

/// Why nobody has the run that is asked for.
Attempt<LogSelection> no_such_run(Client& client, const std::vector<std::string>& names, int run) {
    const std::string number = std::to_string(run);
    const auto known = client.ask(protocol::RunsQuery{names, std::nullopt});
    if (!known) return known.error();
    const bool of_one = names_one(names);
    if (known->runs.empty()) {
        const std::string who = of_one ? harmless(names[0]) + " has not" : "none of them has";
        return Complaint{Exit::NoSuchService, who + " run since reeved started"};
    }
    if (!of_one) {
        return Complaint{Exit::NoSuchService,
                         "of none of them does the supervisor remember run " + number};
    }
    const std::size_t count = known->runs.size();
    std::string sentence = "the supervisor does not remember run " + number + " of ";
    sentence += harmless(names[0]) + ": its oldest one is --run ";
    sentence += std::to_string(1 - static_cast<int>(count));
    return Complaint{Exit::NoSuchService, std::move(sentence)};
}

/// The time of a run, as far as the query wants it. Who follows goes on with the next one.
LogQuery within(const protocol::RunRecord& run, LogQuery query, bool follow) {
    const auto started = run.started.value_or(WallTime::min());
    query.since = std::max(started, query.since.value_or(started));
    if (!run.ended || follow) return query;
    const WallTime behind = *run.ended + 1ns;
    query.until = std::min(behind, query.until.value_or(behind));
    return query;
}

Attempt<LogSelection> select_run(const Task& task, const LogQuery& query) {
    const Invocation& invocation = task.invocation;
    auto client = Client::connect(task.host, invocation);
    if (!client) {
        return Complaint{client.error().exit,
                         "--run needs a supervisor, which knows when runs began and ended: " +
                             client.error().sentence,
                         client.error().advice};
    }
    const auto known = client->ask(protocol::RunsQuery{invocation.names, invocation.run});
    if (!known) return known.error();
    const auto welcome = client->welcome();
    if (!welcome) return welcome.error();
    if (known->runs.empty()) return no_such_run(*client, invocation.names, *invocation.run);
    LogSelection selection{welcome->log_dir, {}};
    for (const protocol::RunRecord& run : known->runs) {
        selection.choices.push_back({run.service, within(run, query, invocation.follow)});
    }
    return selection;
}

/// A supervisor that does not answer at once is not needed where its files are known.
constexpr Duration patience_without_need = 1s;

/// Where the logs of the supervisor are that the caller means; nothing where only that one knows.
std::optional<std::string> known_log_dir(const Task& task) {
    const Host& host = task.host;
    // Of one that is named by its socket nothing else is known.
    const bool named = task.invocation.socket || !host.variable("REEVE_SOCKET").empty();
    if (named && host.variable("REEVE_LOG_DIR").empty()) return std::nullopt;
    return log_dir_without_supervisor(host);
}

bool names_group(const std::vector<std::string>& names) {
    return std::any_of(names.begin(), names.end(),
                       [](const std::string& name) { return name.starts_with('@'); });
}

/// From the files alone, as nobody answers. `expected`: somebody should have.
Attempt<LogSelection> select_without(const Complaint& unanswered, bool expected, const Task& task,
                                     const LogQuery& query) {
    const auto log_dir = known_log_dir(task);
    Complaint complaint = unanswered;
    if (names_group(task.invocation.names)) {
        complaint.advice += ", or name services, as groups are known to a running supervisor only";
        return complaint;
    }
    if (!log_dir) {
        complaint.advice += ", or set REEVE_LOG_DIR to the folder of its logs to read them alone";
        return complaint;
    }
    auto selection = select_by_folder(*log_dir, task.invocation.names, query);
    if (selection && expected) {
        task.note(unanswered.sentence + "; reading what is in " + harmless(*log_dir));
    }
    if (selection || selection.error().exit != Exit::NoSuchService) return selection;
    // Without logs either, that there is no supervisor is what the caller has to know.
    if (task.invocation.names.empty()) return unanswered;
    complaint = {Exit::NoSuchService, "no supervisor answers; " + selection.error().sentence};
    if (task.host.variable("REEVE_LOG_DIR").empty()) {
        complaint.advice = "REEVE_LOG_DIR names another folder";
    }
    return complaint;
}

}  // namespace

Attempt<LogSelection> select_logs(const Task& task, const LogQuery& query) {
    const Invocation& invocation = task.invocation;
    if (invocation.run) return select_run(task, query);
    const bool needed = !known_log_dir(task) || names_group(invocation.names);
    auto client = Client::connect(task.host, invocation,
                                  needed ? Client::usual_patience : patience_without_need);
    auto selection = client ? select_by_supervisor(*client, invocation.names, query)
                            : Attempt<LogSelection>(client.error());
    if (selection) return selection;
    if (selection.error().exit == Exit::NoSupervisor) {
        const bool expected = client || invocation.socket;
        return select_without(selection.error(), expected, task, query);
    }
    if (!client || selection.error().exit != Exit::NoSuchService) return selection;
    // A service that is no longer configured may have left its log.
    const auto welcome = client->welcome();
    if (!welcome) return welcome.error();
    auto left = select_by_folder(welcome->log_dir, invocation.names, query);
    return left ? left : selection;
}

}  // namespace reeve::ctl
