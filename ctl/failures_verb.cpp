#include "ctl/advice.h"
#include "ctl/client.h"
#include "ctl/failure_list.h"
#include "ctl/names.h"
#include "ctl/run_log.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

using protocol::FailureRecord;

constexpr std::uint64_t most_lines = 10;
constexpr std::uint64_t usual_number = 10;

bool may_have_written(const FailureRecord& failure) {
    // Its hooks may have written something, too.
    return (has_run(failure) || !never_ran(failure.cause)) && failure.started;
}

/// As many as there are failures.
std::vector<RunLog> logs_of(const std::vector<FailureRecord>& failures,
                            const std::string& log_dir) {
    std::vector<RunToRead> runs;
    for (const FailureRecord& failure : failures) {
        if (!may_have_written(failure)) continue;
        runs.push_back({failure.service, failure.started, failure.at});
    }
    std::vector<RunLog> read = read_run_logs(log_dir, runs, most_lines);
    std::vector<RunLog> logs;
    auto next = read.begin();
    for (const FailureRecord& failure : failures) {
        logs.push_back(may_have_written(failure) ? std::move(*next++) : RunLog());
    }
    return logs;
}

std::string none_text(const std::vector<std::string>& names) {
    const std::string who = names.empty()      ? "no service has"
                            : names_one(names) ? harmless(names[0]) + " has not"
                                               : "none of them has";
    return who + " failed since reeved started\n";
}

std::string left_out_text(std::size_t count, const Task& task) {
    std::string text = std::to_string(count) + " earlier ones are left out: " + task.look.program +
                       " failures -n all";
    for (const std::string& name : task.invocation.names) text += " " + shell_quoted(name);
    return text + "\n\n";
}

}  // namespace

Exit run_failures(Task& task) {
    const Invocation& invocation = task.invocation;
    auto client = Client::connect(task.host, invocation);
    if (!client) return task.complain(client.error());
    auto known = client->ask(protocol::FailuresQuery{invocation.names});
    if (!known) return task.complain(known.error());
    const auto welcome = client->welcome();
    if (!welcome) return task.complain(welcome.error());
    std::vector<FailureRecord>& failures = known->failures;
    const bool none = failures.empty();
    const std::uint64_t wanted = invocation.last.value_or(usual_number);
    const std::size_t left_out = failures.size() - std::min<std::uint64_t>(failures.size(), wanted);
    failures.erase(failures.begin(), failures.begin() + static_cast<std::ptrdiff_t>(left_out));
    const std::vector<RunLog> logs = logs_of(failures, welcome->log_dir);
    for (std::size_t i = 0; i < failures.size(); ++i) failures[i].lines = logs[i].lines;
    if (invocation.json) {
        task.out.write(protocol::to_json(*known) + "\n");
        return Exit::Done;
    }
    if (none) task.out.write(none_text(invocation.names));
    if (left_out > 0) task.out.write(left_out_text(left_out, task));
    task.out.write(render_failures(failures, logs, task.look));
    return Exit::Done;
}

}  // namespace reeve::ctl
