#pragma once

#include <string>
#include <vector>

#include "supervisor/os/child.h"
#include "supervisor/os/spawn.h"

namespace reeve::os {

/// The part of a ChildPlan that says what a child may do and how the kernel treats it: scheduling,
/// its root, privileges. Holds what the plan then points to.
class ExecutionPlan {
  public:
    explicit ExecutionPlan(const SpawnSpec& spec);
    ExecutionPlan(const ExecutionPlan&) = delete;
    ExecutionPlan& operator=(const ExecutionPlan&) = delete;

    void fill(ChildPlan& plan) const;
    /// Of a step that is one of these.
    SpawnFailure failure(const ChildPlan& plan) const;

  private:
    const SpawnSpec& spec_;
    std::string oom_score_adj_;
    std::vector<unsigned char> cpus_;
};

}  // namespace reeve::os
