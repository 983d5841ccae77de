#pragma once

#include <cstddef>
#include <vector>

#include "ctl/log_merge.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

/// Prints lines of logs as they are asked for: alone, behind their service's name, or as JSON.
class LinePrinter {
  public:
    /// With more than one choice, lines have the names of their services.
    LinePrinter(Task& task, const std::vector<LogChoice>& choices);

    void print(const NamedLine& line);

  private:
    void print_as_json(const NamedLine& line);

    Task& task_;
    bool named_;
    bool terminal_;
    std::size_t width_ = 0;
};

}  // namespace reeve::ctl
