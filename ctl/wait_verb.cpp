#include "ctl/client.h"
#include "ctl/interrupt.h"
#include "ctl/outcome.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

using protocol::CommandResult;
using protocol::Until;

struct Words {
    std::string_view reached, not_to_be;
};

Words words_for(Until until) {
    switch (until) {
        case Until::Ready:
            return {"is ready", "become ready"};
        case Until::Stopped:
            return {"is stopped", "be stopped"};
        case Until::Failed:
            return {"has failed", "fail"};
        case Until::Done:
            return {"is done", "be done"};
    }
    return {};
}

std::string reached_line(Until until, const CommandResult& result) {
    std::string line = harmless(result.service) + " ";
    if (until == Until::Stopped && is_down_otherwise(result.state)) {
        line += "is down: it " + predicate(result.state);
    } else {
        line += words_for(until).reached;
    }
    if (result.pid) return line + " (pid " + std::to_string(*result.pid) + ")";
    return result.cause.empty() ? line : line + " (" + harmless(result.cause) + ")";
}

std::string missed_sentence(Until until, const CommandResult& result, const Look& look) {
    if (result.failure == protocol::ErrorCode::TimedOut) {
        return gave_up_on(result) + look_at(result, look);
    }
    std::string line = harmless(result.service) + " will not " +
                       std::string(words_for(until).not_to_be) + ", as it " +
                       predicate(result.state);
    if (!result.cause.empty()) line += ": " + harmless(result.cause);
    return line + look_at(result, look);
}

}  // namespace

Exit run_wait(Task& task) {
    const Invocation& invocation = task.invocation;
    const Until until = invocation.until;
    auto client = Client::connect(task.host, invocation);
    if (!client) return task.complain(client.error());
    const InterruptNotice notice;
    const auto outcome =
        client->ask(protocol::WaitFor{invocation.names, until, invocation.timeout});
    if (!outcome) return task.complain(outcome.error());
    return tell(
        task, *outcome,
        {[&](const CommandResult& result) { return reached_line(until, result); },
         [&](const CommandResult& result) { return missed_sentence(until, result, task.look); }});
}

}  // namespace reeve::ctl
