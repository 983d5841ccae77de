#pragma once

#include <string_view>

#include "config/plan.h"
#include "config/problem.h"

namespace reeve::config {

/// Splits a command line as a POSIX shell splits quoted words, and does nothing else that a shell
/// does: what would need one (pipes, redirections, several commands) is an error.
Parsed<Argv> split_words(std::string_view text);

}  // namespace reeve::config
