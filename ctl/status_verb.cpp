#include <algorithm>

#include "ctl/card.h"
#include "ctl/client.h"
#include "ctl/names.h"
#include "ctl/run_log.h"
#include "ctl/table.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

constexpr std::uint64_t most_lines = 10;

/// Nothing when there is nothing to explain or it is not to be had: the card says less then.
std::optional<protocol::Explanation> explain(Client& client,
                                             const protocol::ServiceStatus& service) {
    if (!calls_for_action(service.state)) return std::nullopt;
    auto explanation = client.ask(protocol::WhyQuery{service.name});
    if (!explanation) return std::nullopt;
    return *explanation;
}

}  // namespace

Exit run_status(Task& task) {
    const Invocation& invocation = task.invocation;
    auto client = Client::connect(task.host, invocation);
    if (!client) return task.complain(client.error());
    const bool card = names_one(invocation.names) && !invocation.json;
    const auto document = client->ask(protocol::StatusQuery{invocation.names, true, card});
    if (!document) return task.complain(document.error());
    if (invocation.json) {
        task.out.write(protocol::to_json(*document) + "\n");
    } else if (invocation.quiet) {
        // The exit status says it.
    } else if (card && document->services.size() == 1) {
        const auto welcome = client->welcome();
        if (!welcome) return task.complain(welcome.error());
        const protocol::ServiceStatus& service = document->services[0];
        const bool has_run = service.pid || service.last_exit;
        const LastLines lines =
            read_last_lines(welcome->log_dir, service.name, has_run, most_lines);
        task.out.write(render_card(service, explain(*client, service), lines, task.look));
    } else {
        task.out.write(render_table(*document, task.look));
    }
    const bool all_run =
        std::all_of(document->services.begin(), document->services.end(),
                    [](const protocol::ServiceStatus& s) { return is_running(s.state); });
    return invocation.names.empty() || all_run ? Exit::Done : Exit::NotRunning;
}

}  // namespace reeve::ctl
