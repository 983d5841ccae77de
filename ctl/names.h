#pragma once

#include <string>
#include <vector>

namespace reeve::ctl {

/// Whether what was typed can only be one service: a single word, neither a glob nor a group.
inline bool names_one(const std::vector<std::string>& names) {
    return names.size() == 1 && names[0].find_first_of("*?[") == std::string::npos &&
           !names[0].starts_with('@');
}

}  // namespace reeve::ctl
