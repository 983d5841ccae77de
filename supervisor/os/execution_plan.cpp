#include "supervisor/os/execution_plan.h"

#include <unistd.h>

#include <algorithm>

#include "supervisor/os/capabilities.h"

namespace reeve::os {

namespace {

/// A mask as sched_setaffinity(2) has it, in whole words.
std::vector<unsigned char> mask_of(const std::vector<int>& cpus) {
    std::vector<unsigned char> mask;
    if (cpus.empty()) return mask;
    const int highest = *std::max_element(cpus.begin(), cpus.end());
    mask.resize((static_cast<std::size_t>(highest) / 64 + 1) * 8);
    for (const int cpu : cpus) {
        unsigned char& byte = mask[static_cast<std::size_t>(cpu) / 8];
        byte = static_cast<unsigned char>(byte | 1U << cpu % 8);
    }
    return mask;
}

/// "to CPU 9 (there are 0 to 3)".
std::string in_words(const std::vector<int>& cpus) {
    std::string words = cpus.size() == 1 ? "to CPU " : "to CPUs ";
    for (std::size_t i = 0; i < cpus.size(); ++i) {
        if (i > 0) words.append(", ");
        words.append(std::to_string(cpus[i]));
    }
    const long count = sysconf(_SC_NPROCESSORS_CONF);
    if (count == 1) return words.append(" (there is 0 alone)");
    return words.append(" (there are 0 to ").append(std::to_string(count - 1)).append(")");
}

}  // namespace

ExecutionPlan::ExecutionPlan(const SpawnSpec& spec)
    : spec_(spec),
      oom_score_adj_(spec.oom_score_adj ? std::to_string(*spec.oom_score_adj) : ""),
      cpus_(mask_of(spec.cpu_affinity)) {}

void ExecutionPlan::fill(ChildPlan& plan) const {
    plan.oom_score_adj = oom_score_adj_.empty() ? nullptr : oom_score_adj_.c_str();
    plan.cpus = cpus_.empty() ? nullptr : cpus_.data();
    plan.cpus_size = cpus_.size();
    if (spec_.scheduling) {
        plan.set_scheduler = true;
        plan.scheduler = spec_.scheduling->policy;
        plan.scheduler_priority = spec_.scheduling->priority;
    }
    if (spec_.io_priority) {
        plan.set_io_priority = true;
        plan.io_priority = spec_.io_priority->io_class << 13 | spec_.io_priority->level;
    }
    plan.root_dir = spec_.root_dir.empty() ? nullptr : spec_.root_dir.c_str();
    plan.no_new_privileges = spec_.no_new_privileges;
    if (!spec_.capabilities) return;
    plan.set_capabilities = true;
    for (const int capability : *spec_.capabilities) {
        plan.capabilities |= std::uint64_t{1} << capability;
    }
    plan.bounding = can_cut() ? bounding_set() : 0;
}

SpawnFailure ExecutionPlan::failure(const ChildPlan& plan) const {
    const auto because = [&](const char* step, std::string object = "") {
        return SpawnFailure{step, std::move(object), plan.errnum};
    };
    if (plan.failed_step == ChildStep::OomScore) return because("oom_score_adj", oom_score_adj_);
    if (plan.failed_step == ChildStep::Scheduler) return because("sched_setscheduler");
    if (plan.failed_step == ChildStep::Affinity) {
        return because("sched_setaffinity", in_words(spec_.cpu_affinity));
    }
    if (plan.failed_step == ChildStep::IoPriority) return because("ioprio_set");
    if (plan.failed_step == ChildStep::Root) return because("chroot", spec_.root_dir);
    if (plan.failed_step == ChildStep::NoNewPrivileges) return because("no_new_privileges");
    if (plan.failed_step == ChildStep::Capabilities) return because("capset");
    return because("capabilities: cannot drop",
                   capability_name(static_cast<int>(plan.failed_index)));
}

}  // namespace reeve::os
