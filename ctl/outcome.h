#pragma once

#include <string>

#include "ctl/exit.h"
#include "ctl/look.h"
#include "ctl/protocol/message.h"

namespace reeve::ctl {

/// "web started (pid 123)": a line for each service with which it went well.
std::string render_done(protocol::Verb verb, const protocol::Outcome& outcome, const Look& look);

/// "reevectl: cannot start web: CAUSE", with what to look at, for each of the others.
std::string render_failed(protocol::Verb verb, const protocol::Outcome& outcome, const Look& look);

/// "also stopping: web (requires db)", a line for each thing that is done to others.
std::string render_touches(const protocol::Touches& touches, const Look& look);

/// What to exit with: a failure weighs more than a wait that ended too soon, and that more than a
/// service that was not up.
Exit exit_for(const protocol::Outcome& outcome);

}  // namespace reeve::ctl
