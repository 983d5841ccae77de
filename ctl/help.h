#pragma once

#include <string>

#include "ctl/verb_table.h"

namespace reeve::ctl {

/// What --help prints without a verb: all verbs that this version carries out.
std::string help_of_program();

/// What --help prints behind a verb.
std::string help_of(const VerbInfo& verb);

}  // namespace reeve::ctl
