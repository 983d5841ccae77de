#pragma once

#include <string>

#include "config/load.h"

namespace reeve::config {

/// What a check of a configuration prints, the same for every program that offers one.
struct CheckReport {
    std::string problems;  ///< for stderr: one line each, empty if there are none
    std::string summary;   ///< for stdout: one line
    bool valid = false;
};

CheckReport check_report(const LoadResult& result);

}  // namespace reeve::config
