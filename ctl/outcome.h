#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "ctl/exit.h"
#include "ctl/look.h"
#include "ctl/protocol/message.h"

namespace reeve::ctl {

struct Task;

/// How an outcome is told: what is said of a service with which it went well, and of one with which
/// it did not, the latter as a sentence behind "reevectl: ".
struct Telling {
    std::function<std::string(const protocol::CommandResult&)> done;
    std::function<std::string(const protocol::CommandResult&)> failed;
};

/// "web started (pid 123)", and "cannot start web: CAUSE" with what to look at.
Telling telling_of(protocol::Verb verb, const Look& look, bool waited = true);

/// "gave up waiting for web, which is starting still: CAUSE".
std::string gave_up_on(const protocol::CommandResult& result);

/// Why it did not go well with a service: the cause, or the state that it is in.
std::string reason_of(const protocol::CommandResult& result);

/// "cannot start web: CAUSE", with what to look at.
std::string cannot(std::string_view what, const protocol::CommandResult& result, const Look& look);

/// What to look at next: a line behind a failure.
std::string look_at(const protocol::CommandResult& result, const Look& look);

/// Prints an outcome as the caller wants it, and gives what to exit with.
Exit tell(Task& task, const protocol::Outcome& outcome, const Telling& telling);

/// The failures alone, on stderr.
void tell_failures(Task& task, const protocol::Outcome& outcome, const Telling& telling);

/// "also stopping: web (requires db)", a line for each thing that is done to others.
std::string render_touches(const protocol::Touches& touches, const Look& look);

/// "  1. stop web: requires db", a line for each step, below a line that says that none was taken.
std::string render_steps(std::span<const protocol::Step> steps, const Look& look);

/// What to exit with: a failure weighs more than a wait that ended too soon, and that more than a
/// service that was not up.
Exit exit_for(const protocol::Outcome& outcome);

}  // namespace reeve::ctl
