#pragma once

#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::os {

/// A file in memory that can be executed and no longer be changed; memfd_create(2), its name is
/// seen in /proc/PID/exe. Fails where the system does not let programs be executed from there, and
/// with an empty program: there is none for this processor.
Result<Fd> make_program_image(const char* name, std::string_view program);

}  // namespace reeve::os
