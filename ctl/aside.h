#pragma once

#include <functional>
#include <string>
#include <vector>

namespace reeve::ctl {

using Texts = std::vector<std::string>;

/// What was read aside.
struct ReadAside {
    std::vector<Texts> given;  ///< by the jobs, in their order, as far as they came
    std::string why;           ///< why the others gave nothing; empty when all have
};

/// Does jobs, one after the other, in a process of their own: a read from a disk that does not
/// answer cannot be ended, only left behind. It is once no job has come to its end for a second or
/// so. Jobs must neither print nor change anything, and cannot reach any open descriptor.
ReadAside read_aside(const std::vector<std::function<Texts()>>& jobs);

}  // namespace reeve::ctl
