#include "ctl/client.h"
#include "ctl/explanation.h"
#include "ctl/run_log.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

using config::Literal;
using protocol::Link;

constexpr std::uint64_t most_lines = 5;

using Logs = std::map<std::string, RunLog>;

/// When the last attempt to start it began.
std::optional<WallTime> last_attempt(Client& client, const std::string& service) {
    const auto known = client.ask(protocol::FailuresQuery{{service}});
    if (!known || known->failures.empty()) return std::nullopt;
    return known->failures.back().started;
}

Logs logs_of(const protocol::Explanation& explanation, const std::string& log_dir, Client& client) {
    std::vector<RunToRead> runs;
    for (const Link* end : ends_of(explanation)) {
        auto run = telling_run(*end);
        if (!run) continue;
        if (run->before_main) {
            if (const auto began = last_attempt(client, end->service)) run->from = began;
        }
        runs.push_back({end->service, run->from, run->to});
    }
    std::vector<RunLog> read = read_run_logs(log_dir, runs, most_lines);
    Logs logs;
    for (std::size_t i = 0; i < runs.size(); ++i) logs[runs[i].service] = std::move(read[i]);
    return logs;
}

/// Where a service's output goes according to its definition, when that is no file: what `log` or
/// `log.to` says, a word or a list of words.
std::string where_output_goes(const Literal& definition) {
    const Literal* log = definition.member("log");
    if (log != nullptr && std::holds_alternative<Literal::Map>(log->value)) log = log->member("to");
    if (log == nullptr) return {};
    const auto is = [](const Literal& word, std::string_view expected) {
        const auto* text = std::get_if<std::string>(&word.value);
        return text != nullptr && *text == expected;
    };
    const auto* list = std::get_if<Literal::List>(&log->value);
    const Literal& word = list != nullptr && list->size() == 1 ? list->front() : *log;
    if (is(word, "console")) return "what it writes goes to reeved's own output (log: console)";
    if (is(word, "inherit")) return "what it writes goes where reeved's output goes (log: inherit)";
    if (is(word, "none")) return "what it writes is thrown away (log: none)";
    return {};
}

/// Of those that have no log says where else to look. If that cannot be learnt, it is left at that.
void explain_missing(Logs& logs, Client& client) {
    protocol::DefinitionQuery query;
    for (const auto& [service, log] : logs) {
        if (log.missing) query.names.push_back(service);
    }
    if (query.names.empty()) return;
    const auto definitions = client.ask(query);
    if (!definitions) return;
    for (const auto& [service, definition] : definitions->services) {
        const std::string where = where_output_goes(definition);
        const auto log = logs.find(service);
        if (!where.empty() && log != logs.end()) log->second.remark = where;
    }
}

void add_lines(Link& link, const Logs& logs) {
    const auto log = logs.find(link.service);
    if (link.because.empty() && log != logs.end()) link.lines = log->second.lines;
    for (Link& next : link.because) add_lines(next, logs);
}

}  // namespace

Exit run_why(Task& task) {
    const Invocation& invocation = task.invocation;
    auto client = Client::connect(task.host, invocation);
    if (!client) return task.complain(client.error());
    auto explanation = client->ask(protocol::WhyQuery{invocation.names[0]});
    if (!explanation) return task.complain(explanation.error());
    const auto welcome = client->welcome();
    if (!welcome) return task.complain(welcome.error());
    Logs logs = logs_of(*explanation, welcome->log_dir, *client);
    if (invocation.json) {
        add_lines(explanation->link, logs);
        task.out.write(protocol::to_json(*explanation) + "\n");
        return Exit::Done;
    }
    explain_missing(logs, *client);
    task.out.write(render_explanation(*explanation, logs, task.look));
    return Exit::Done;
}

}  // namespace reeve::ctl
