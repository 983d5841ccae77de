#include <filesystem>

#include "ctl/client.h"
#include "ctl/interrupt.h"
#include "ctl/outcome.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

/// Of what there is nothing to report but that it was done.
Exit tell_done(Task& task, const std::string& sentence) {
    if (task.invocation.json) {
        task.out.write("{}\n");
    } else if (!task.invocation.quiet) {
        task.out.write(sentence + "\n");
    }
    return Exit::Done;
}

Exit rehearse(Task& task, Client& client, protocol::Verb verb) {
    const auto rehearsal = client.ask(protocol::Rehearse{verb, task.invocation.names});
    if (!rehearsal) return task.complain(rehearsal.error());
    const Telling telling = telling_of(verb, task.look);
    if (task.invocation.json) {
        task.out.write(protocol::to_json(*rehearsal) + "\n");
    } else if (!task.invocation.quiet) {
        task.out.write(render_steps(rehearsal->steps, task.look));
        for (const protocol::CommandResult& result : rehearsal->outcome.results) {
            if (!result.failure && !result.changed) task.out.write(telling.done(result) + "\n");
        }
    }
    tell_failures(task, rehearsal->outcome, telling);
    return exit_for(rehearsal->outcome);
}

}  // namespace

void tell_touches(Task& task, const protocol::Touches& touches) {
    if (task.invocation.quiet || task.invocation.json) return;
    task.out.write(render_touches(touches, task.look));
    task.out.flush();
}

Exit command(Task& task, Client& client, protocol::Verb verb) {
    const Invocation& invocation = task.invocation;
    const protocol::Command command{verb, invocation.names, invocation.wait, invocation.timeout};
    const auto outcome =
        client.ask(command, [&](const protocol::Touches& touches) { tell_touches(task, touches); });
    if (!outcome) return task.complain(outcome.error());
    return tell(task, *outcome, telling_of(verb, task.look, invocation.wait));
}

Exit run_command(Task& task, protocol::Verb verb) {
    auto client = Client::connect(task.host, task.invocation);
    if (!client) return task.complain(client.error());
    if (task.invocation.dry_run) return rehearse(task, *client, verb);
    if (const auto ready = client->await_greeting(); !ready) return task.complain(ready.error());
    const InterruptNotice notice(InterruptNotice::Of::Command);
    return command(task, *client, verb);
}

Exit run_reopen(Task& task) {
    auto client = Client::connect(task.host, task.invocation);
    if (!client) return task.complain(client.error());
    const auto accepted = client->ask(protocol::Reopen{});
    if (!accepted) return task.complain(accepted.error());
    return tell_done(task, "the log files are opened anew");
}

Exit run_upgrade(Task& task) {
    const Invocation& invocation = task.invocation;
    protocol::Upgrade upgrade;
    if (!invocation.names.empty()) {
        std::error_code error;
        // Of the supervisor's own folder we know nothing, nor it of ours.
        upgrade.path = std::filesystem::absolute(invocation.names[0], error).string();
        if (error) return task.complain(reeve::error("cannot find " + invocation.names[0]));
    }
    auto client = Client::connect(task.host, invocation);
    if (!client) return task.complain(client.error());
    const auto upgraded = client->ask(upgrade);
    if (!upgraded) return task.complain(upgraded.error());
    if (invocation.json) {
        task.out.write(protocol::to_json(*upgraded) + "\n");
        return Exit::Done;
    }
    std::string said = "reeved " + harmless(upgraded->version) + " has taken over";
    if (upgraded->before != upgraded->version) said += " from " + harmless(upgraded->before);
    return tell_done(task, said + " (pid " + std::to_string(upgraded->pid) + ")");
}

Exit run_shutdown(Task& task) {
    const Invocation& invocation = task.invocation;
    auto client = Client::connect(task.host, invocation);
    if (!client) return task.complain(client.error());
    if (const auto ready = client->await_greeting(); !ready) return task.complain(ready.error());
    const InterruptNotice notice(InterruptNotice::Of::Command);
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
    return tell_done(task, said);
}

}  // namespace reeve::ctl
