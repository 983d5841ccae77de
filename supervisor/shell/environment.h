#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/plan.h"

namespace reeve::shell {

/// NAME to value, in order of name.
using Environment = std::map<std::string, std::string>;

/// What environ(7) holds, with the paths in our own variables (REEVE_CONFIG ...) made absolute: a
/// daemon and its services work in other folders than whoever set them.
Environment own_environment();

/// A path as the present working folder has it.
std::string absolute(const std::string& path);

/// The environment of a service's processes, later ones winning: what it inherits, HOME, USER,
/// LOGNAME and SHELL of its user, its environment_files, its environment, `extra`. Variables by
/// which a supervisor speaks to its own children (NOTIFY_SOCKET, LISTEN_FDS ...) are not inherited.
/// `as_root`: its user's are left out, and its files must be root's. Fails when an environment file
/// cannot be read or understood.
Result<Environment> environment_of(const config::Execution& execution, const Environment& own,
                                   const Environment& extra, bool as_root = false);

/// As execve(2) takes it: NAME=value.
std::vector<std::string> to_strings(const Environment& environment);

}  // namespace reeve::shell
