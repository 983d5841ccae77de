#pragma once

#include <string>
#include <vector>

#include "ctl/exit.h"
#include "ctl/log_merge.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

/// Whose logs are wanted, where they are, and what is wanted of each.
struct LogSelection {
    std::string log_dir;
    std::vector<LogChoice> choices;
};

/// The services that the caller names, as the supervisor knows them; without one, those that have
/// logs. With --run the supervisor tells when that run was. Every choice has the query given.
Attempt<LogSelection> select_logs(const Task& task, const LogQuery& query);

}  // namespace reeve::ctl
