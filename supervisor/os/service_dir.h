#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace reeve::os {

struct DirOwner {
    uid_t uid = 0;
    gid_t gid = 0;
    mode_t mode = 0755;
};

/// Makes BASE/NAME, and what is missing above it, as the process's own with 0755. NAME may have
/// several parts. The last folder gets this owner and mode, also when it is there already. Never
/// follows a symbolic link that somebody else than the process's user has made or could have.
Result<> make_service_dir(const std::string& base, const std::string& name, const DirOwner& owner);

}  // namespace reeve::os
