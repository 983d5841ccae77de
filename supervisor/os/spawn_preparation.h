#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "supervisor/os/child.h"
#include "supervisor/os/execution_plan.h"
#include "supervisor/os/resource_limit.h"
#include "supervisor/os/spawn.h"

/// All of a spawn that can allocate, look up or fail, done before there is a child.
namespace reeve::os {

/// The spawner's slots holding a child's descriptors; emptied again at the end, so that no pipe is
/// kept open by them.
class FilledSlots {
  public:
    FilledSlots(std::span<const Fd> slots, const Fd& nothing) : slots_(slots), nothing_(nothing) {}
    ~FilledSlots();
    FilledSlots(const FilledSlots&) = delete;
    FilledSlots& operator=(const FilledSlots&) = delete;

    /// Where a copy of `fd` now is; `fd` itself when no slot is left; -1 when it is not open.
    int put(int fd);

  private:
    std::span<const Fd> slots_;
    const Fd& nothing_;
    std::size_t used_ = 0;
};

/// The highest descriptor that can be open, for a kernel that cannot close ranges.
unsigned highest_descriptor();

/// The vectors that a ChildPlan points into.
class Preparation {
  public:
    Preparation(const SpawnSpec& spec, const std::vector<ResourceLimit>& limits);
    Preparation(const Preparation&) = delete;
    Preparation& operator=(const Preparation&) = delete;

    ChildPlan& plan() { return plan_; }

    /// Decides which descriptor goes where; the failure, if one is not open.
    std::optional<SpawnFailure> lay_out_descriptors(FilledSlots& slots, bool close_range_works);
    /// What the child has reported in its plan.
    SpawnFailure failure() const;

  private:
    void add_pid_variables();
    void add_descriptors();
    void find_gaps();

    const SpawnSpec& spec_;
    std::vector<std::string> candidates_;
    std::vector<char*> candidate_pointers_, argv_, envp_;
    std::vector<std::string> pid_variables_;
    std::vector<char*> own_pid_;
    std::vector<ResourceLimit> limits_;
    ExecutionPlan execution_;
    std::vector<ChildFd> fds_;
    std::vector<FdRange> gaps_;
    ChildPlan plan_;
};

}  // namespace reeve::os
