#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/plan.h"
#include "config/problem.h"

namespace reeve::config {

struct LoadOptions {
    /// Files, and folders whose *.yaml are read in order of name.
    std::vector<std::string> paths;
    /// The places that nobody named: each may be missing, though not all of them.
    bool paths_may_be_missing = false;
    /// What ${NAME} is filled from.
    std::map<std::string, std::string> environment;
    /// As PID 1 a service's output goes to the console unless it says otherwise.
    bool as_pid1 = false;
    /// Services that are lastingly enabled or disabled, whatever their definition says; names that
    /// none has count for nothing.
    std::map<std::string, bool> enabled;
    /// Who will run the services.
    uid_t uid = ::geteuid();
    gid_t gid = ::getegid();
};

/// A plan, or everything that is wrong; warnings stand beside a plan.
struct LoadResult {
    PlanPtr plan;                   ///< null if there is any error
    std::vector<Problem> problems;  ///< in the order of the files, then of position
    /// The errno for which a file or folder could not be read; 0: there was none such. Files that
    /// others include count when they are there.
    int unread = 0;
    Supervisor settings{};  ///< the plan's; without a plan, as far as they could be read
};

/// Reads and checks a whole configuration. Looks up users and groups, which may block.
LoadResult load(const LoadOptions& options);

/// The same for a text that stands in no file; `name` is what problems call it. Paths in the
/// options are not read.
LoadResult load_text(std::string_view text, const std::string& name, const LoadOptions& options);

}  // namespace reeve::config
