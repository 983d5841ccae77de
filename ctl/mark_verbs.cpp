#include "base/signal_name.h"
#include "ctl/client.h"
#include "ctl/interrupt.h"
#include "ctl/outcome.h"
#include "ctl/protocol/json_writer.h"
#include "ctl/protocol/result_json.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

using protocol::CommandResult;
using protocol::State;

/// "cannot kill web: it is stopped", as the telling of what fails for want of anything better.
auto failed_to(std::string what) {
    return [what = std::move(what)](const CommandResult& result) {
        return "cannot " + what + " " + harmless(result.service) + ": " + reason_of(result);
    };
}

/// Whether nothing of a service is up or about to be.
bool at_rest(State state) {
    return state == State::Stopped || state == State::Failed || state == State::Done;
}

std::string killed_line(const Invocation& invocation, const CommandResult& result) {
    std::string line = harmless(result.service) + ": sent " + signal_name(invocation.signal) +
                       (invocation.tree ? " to all its processes" : " to its main process");
    if (result.pid) {
        line += (invocation.tree ? " (main pid " : " (pid ") + std::to_string(*result.pid) + ")";
    }
    return line;
}

std::string reset_line(const CommandResult& result) {
    const std::string name = harmless(result.service);
    const std::string state = predicate(result.state);
    if (!result.changed) return name + " has not failed: it " + state;
    return name + " " + state + ", and its failures are forgotten";
}

std::string enabled_line(const Task& task, bool enabled, const CommandResult& result) {
    const std::string name = harmless(result.service);
    std::string line = name + (result.changed ? enabled ? " enabled" : " disabled"
                               : enabled      ? " is enabled already"
                                              : " is disabled already");
    line += enabled ? "; it is started at boot" : "; it is not started at boot";
    // With --now the next line tells.
    if (task.invocation.now) return line;
    const std::string_view hint = enabled ? "start" : "stop";
    if (at_rest(result.state) != enabled) return line;
    return line + (enabled ? " (not started now: " : " (not stopped now: ") + task.look.program +
           " " + std::string(hint) + " " + name + ")";
}

/// One document: what came of the enabling, and of what it brings now, if it went so far.
Exit tell_both(Task& task, Client& client, protocol::Verb verb, const protocol::Outcome& enabling,
               const Telling& telling) {
    const Invocation& invocation = task.invocation;
    std::optional<Attempt<protocol::Outcome>> now;
    if (exit_for(enabling) == Exit::Done) {
        const InterruptNotice notice(InterruptNotice::Of::Command);
        now = client.ask(
            protocol::Command{verb, invocation.names, invocation.wait, invocation.timeout}, {});
    }
    protocol::JsonWriter out;
    out.begin_object();
    protocol::write_members(out, enabling);
    out.part("now", now && *now ? std::optional(**now) : std::nullopt);
    out.end_object();
    task.out.write(out.take() + "\n");
    tell_failures(task, enabling, telling);
    if (!now) return exit_for(enabling);
    if (!*now) return task.complain(now->error());
    tell_failures(task, **now, telling_of(verb, task.look));
    return exit_for(**now);
}

Exit run_enablement(Task& task, bool enabled) {
    const Invocation& invocation = task.invocation;
    auto client = Client::connect(task.host, invocation);
    if (!client) return task.complain(client.error());
    const auto outcome = client->ask(protocol::Enable{invocation.names, enabled});
    if (!outcome) return task.complain(outcome.error());
    const Telling telling = {
        [&](const CommandResult& result) { return enabled_line(task, enabled, result); },
        failed_to(enabled ? "enable" : "disable")};
    const protocol::Verb verb = enabled ? protocol::Verb::Start : protocol::Verb::Stop;
    if (invocation.now && invocation.json) return tell_both(task, *client, verb, *outcome, telling);
    const Exit exit = tell(task, *outcome, telling);
    if (!invocation.now || exit != Exit::Done) return exit;
    const InterruptNotice notice(InterruptNotice::Of::Command);
    return command(task, *client, verb);
}

}  // namespace

Exit run_kill(Task& task) {
    const Invocation& invocation = task.invocation;
    auto client = Client::connect(task.host, invocation);
    if (!client) return task.complain(client.error());
    const auto outcome =
        client->ask(protocol::Kill{invocation.names, invocation.signal, invocation.tree});
    if (!outcome) return task.complain(outcome.error());
    return tell(task, *outcome,
                {[&](const CommandResult& result) { return killed_line(invocation, result); },
                 failed_to("kill")});
}

Exit run_reset_failed(Task& task) {
    auto client = Client::connect(task.host, task.invocation);
    if (!client) return task.complain(client.error());
    const auto outcome = client->ask(protocol::ResetFailed{task.invocation.names});
    if (!outcome) return task.complain(outcome.error());
    return tell(task, *outcome, {reset_line, failed_to("reset")});
}

Exit run_enable(Task& task) { return run_enablement(task, true); }

Exit run_disable(Task& task) { return run_enablement(task, false); }

}  // namespace reeve::ctl
