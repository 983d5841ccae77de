#pragma once

#include "ctl/arguments.h"
#include "ctl/exit.h"
#include "ctl/host.h"
#include "ctl/protocol/message.h"

namespace reeve::ctl {

/// What every verb works with. `out` is for what was asked for, `err` for why it is not to be had.
struct Task {
    const Host& host;
    const Invocation& invocation;
    Look look;  ///< of `out`
    Output& out;
    Output& err;

    /// Says why, and gives what to exit with.
    Exit complain(const Complaint& complaint) const;
    Exit complain(const Error& error) const;
    /// Says what is worth knowing and no failure, unless --quiet forbids it.
    void note(const std::string& sentence) const;
};

class Client;

/// Tells what a command is about to do to services that it does not name.
void tell_touches(Task& task, const protocol::Touches& touches);

/// Asks for a command and tells its outcome.
Exit command(Task& task, Client& client, protocol::Verb verb);

Exit run_status(Task& task);
Exit run_logs(Task& task);
Exit run_why(Task& task);
Exit run_failures(Task& task);
Exit run_events(Task& task);
Exit run_list(Task& task);
Exit run_show(Task& task);
Exit run_cat(Task& task);
Exit run_command(Task& task, protocol::Verb verb);
Exit run_kill(Task& task);
Exit run_reset_failed(Task& task);
Exit run_enable(Task& task);
Exit run_disable(Task& task);
Exit run_is_active(Task& task);
Exit run_is_ready(Task& task);
Exit run_is_failed(Task& task);
Exit run_is_enabled(Task& task);
Exit run_wait(Task& task);
Exit run_check(Task& task);
Exit run_diff(Task& task);
Exit run_apply(Task& task);
Exit run_reopen(Task& task);
Exit run_shutdown(Task& task);
Exit run_upgrade(Task& task);
Exit run_version(Task& task);

}  // namespace reeve::ctl
