#include "ctl/client.h"
#include "ctl/interrupt.h"
#include "ctl/outcome.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

Exit run_command(Task& task, protocol::Verb verb) {
    const Invocation& invocation = task.invocation;
    const bool talkative = !invocation.quiet && !invocation.json;
    auto client = Client::connect(task.host, invocation);
    if (!client) return task.complain(client.error());
    const InterruptNotice notice;
    const protocol::Command command{verb, invocation.names, invocation.wait, invocation.timeout};
    const auto outcome = client->ask(command, [&](const protocol::Touches& touches) {
        if (!talkative) return;
        task.out.write(render_touches(touches, task.look));
        task.out.flush();
    });
    if (!outcome) return task.complain(outcome.error());
    if (invocation.json) task.out.write(protocol::to_json(*outcome) + "\n");
    if (talkative) task.out.write(render_done(verb, *outcome, task.look));
    task.out.flush();
    task.err.write(render_failed(verb, *outcome, task.look));
    return exit_for(*outcome);
}

Exit run_shutdown(Task& task) {
    const Invocation& invocation = task.invocation;
    auto client = Client::connect(task.host, invocation);
    if (!client) return task.complain(client.error());
    const InterruptNotice notice;
    const auto accepted = client->ask(protocol::Shutdown{});
    if (!accepted) return task.complain(accepted.error());
    std::string said = "the supervisor is stopping its services";
    if (invocation.wait) {
        const auto ended = client->wait_for_end(invocation.timeout);
        if (!ended) return task.complain(ended.error());
        if (!*ended) {
            return task.complain(Complaint{Exit::TimedOut,
                                           "gave up waiting for the supervisor, which is stopping "
                                           "still; see " +
                                               task.look.program + " status"});
        }
        said = "the supervisor has ended";
    }
    if (invocation.json) {
        task.out.write("{}\n");
    } else if (!invocation.quiet) {
        task.out.write(said + "\n");
    }
    return Exit::Done;
}

}  // namespace reeve::ctl
