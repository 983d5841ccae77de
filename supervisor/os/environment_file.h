#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace reeve::os {

using EnvironmentVariables = std::vector<std::pair<std::string, std::string>>;

/// The KEY=VALUE lines of an environment file, in order. Blank lines and those that begin with # or
/// ; do not count; `export ` may stand before a key. Values are quoted as in systemd's files: '...'
/// is taken as it is, in "..." a backslash goes before " \ ` and $, elsewhere before anything;
/// before a line's end it joins the next line; quotes may span lines. Nothing is expanded.
/// The error of a malformed line has its position; `file` names the text.
Result<EnvironmentVariables> parse_environment(std::string_view text, const std::string& file);

/// The same of a file's content; the error of one that is not there has errno ENOENT. `trusted`:
/// an error, too, if others than root and we could have written it.
Result<EnvironmentVariables> read_environment_file(const std::string& path, bool trusted = false);

}  // namespace reeve::os
