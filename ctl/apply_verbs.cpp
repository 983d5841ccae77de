#include "ctl/client.h"
#include "ctl/difference.h"
#include "ctl/interrupt.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

/// Says what is wrong with the configuration. False when it is not valid.
bool tell_problems(Task& task, const protocol::ConfigurationDiff& diff) {
    if (task.invocation.json) return diff.valid;
    task.err.write(render_problems(diff));
    task.err.flush();
    return diff.valid;
}

}  // namespace

Exit run_diff(Task& task) {
    auto client = Client::connect(task.host, task.invocation);
    if (!client) return task.complain(client.error());
    const auto diff = client->ask(protocol::DiffQuery{});
    if (!diff) return task.complain(diff.error());
    if (task.invocation.json) task.out.write(protocol::to_json(*diff) + "\n");
    if (!tell_problems(task, *diff)) {
        return task.complain(Complaint{Exit::Failed, "the configuration is not valid"});
    }
    if (!task.invocation.json && !task.invocation.quiet) {
        task.out.write(render_difference(*diff, task.look));
    }
    return Exit::Done;
}

Exit run_apply(Task& task) {
    const Invocation& invocation = task.invocation;
    if (invocation.dry_run) return run_diff(task);
    auto client = Client::connect(task.host, invocation);
    if (!client) return task.complain(client.error());
    if (const auto ready = client->await_greeting(); !ready) return task.complain(ready.error());
    const InterruptNotice notice(InterruptNotice::Of::Command);
    const auto applied =
        client->ask(protocol::Apply{invocation.wait, invocation.timeout},
                    [&](const protocol::Touches& touches) { tell_touches(task, touches); });
    if (!applied) return task.complain(applied.error());
    if (invocation.json) task.out.write(protocol::to_json(*applied) + "\n");
    if (!tell_problems(task, applied->diff)) {
        return task.complain(
            Complaint{Exit::Failed, "the configuration is not valid; nothing has been changed"});
    }
    if (!invocation.json && !invocation.quiet) {
        task.out.write(render_applied(*applied, task.look));
    }
    tell_failures(task, applied->outcome, telling_of(applied->diff, task.look));
    return exit_for(applied->outcome);
}

}  // namespace reeve::ctl
