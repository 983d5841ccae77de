#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "config/plan.h"
#include "supervisor/os/start_mark.h"
#include "supervisor/shell/asio.h"
#include "supervisor/shell/probes/lookup.h"

/// The kinds of probes that are asked: one attempt each. Those that are commands are in command.h;
/// fd and log, which are awaited, are begun with the run.
namespace reeve::shell::probes {

/// What one attempt came to; `what` says why when it is not yes.
struct Answer {
    bool yes = false;
    std::string what;
    /// The supervisor lacked something to ask with, which says nothing of the service.
    bool unasked = false;
};

/// No, because of a step of our own: unasked where we lack descriptors, memory and such.
Answer failure(std::string what, std::optional<int> errnum);
Answer failure(const Error& error);

/// What a probe asks, for people: "tcp [::1]:80".
std::string name_of(const config::Probe& probe);

/// Connects by TCP. For this and get(): `done` is called once, possibly at once, unless what is
/// returned, which ends the attempt, is called before.
std::function<void()> connect(asio::io_context& io, Lookups& lookups, const config::TcpCheck& check,
                              std::function<void(Answer)> done);

/// Gets the page and looks at its status; the body is not read. For localhost both loopback
/// addresses are tried.
std::function<void()> get(asio::io_context& io, const config::HttpCheck& check,
                          std::function<void(Answer)> done);

/// Connects to a Unix socket, whatever its type, at once. No when who listens there is known and is
/// no member of the service: the socket may be somebody else's.
Answer knock(const config::UnixCheck& check, const std::function<bool(pid_t)>& is_member);

/// Whether what the path leads to was made or changed since the start.
Answer look(const config::PathCheck& check, const os::StartMark& start);

}  // namespace reeve::shell::probes
