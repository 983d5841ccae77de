#pragma once

#include <sched.h>

#include <array>

#include "config/draft.h"
#include "config/execution_forms.h"
#include "config/fields.h"
#include "config/forms.h"

/// The parts of the table of a service that are below `scheduling`, `io_priority` and
/// `directories`.
namespace reeve::config {

inline constexpr std::array<std::string_view, 5> kPolicies{"other", "batch", "idle", "fifo", "rr"};
inline constexpr std::array<int, 5> kPolicyNumbers{SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO,
                                                   SCHED_RR};
inline constexpr std::array<std::string_view, 3> kPoliciesAlone{"other", "batch", "idle"};

/// `scheduling` while it is read.
struct SchedulingDraft {
    enum class Policy { Other, Batch, Idle, Fifo, RoundRobin };
    std::optional<Policy> policy;
    std::optional<int> priority;
};
inline constexpr std::array kSchedulingKeys{
    Key{"policy", choice_field<kPolicies, &SchedulingDraft::policy>, "",
        "See sched(7); `fifo` and `rr` are those of real time."},
    Key{"priority", value_field<Kind::Integer, read_integer<1, 99>, &SchedulingDraft::priority>, "",
        "From 1 (last) to 99 (first). For `fifo` and `rr`, which need it."},
};

/// In the order of their numbers, from 1 on.
inline constexpr std::array<std::string_view, 3> kIoClasses{"realtime", "best-effort", "idle"};

/// `io_priority` while it is read.
struct IoPriorityDraft {
    enum class Class { RealTime, BestEffort, Idle };
    std::optional<Class> io_class;
    std::optional<int> level;
};
inline constexpr std::array kIoPriorityKeys{
    Key{"class", choice_field<kIoClasses, &IoPriorityDraft::io_class>, "",
        "See ioprio_set(2); `realtime` takes root."},
    Key{"level", value_field<Kind::Integer, read_integer<0, 7>, &IoPriorityDraft::level>, "4",
        "From 0 (first) to 7 (last). Not for `idle`."},
};

inline constexpr std::array kDirectoryKeys{
    Key{"runtime", value_field<Kind::Folders, read_folders, &Directories::runtime>, "[]",
        "Below `/run`; for another user below `$XDG_RUNTIME_DIR`, or where that is not set below "
        "`/tmp/reeve-UID/services`."},
    Key{"state", value_field<Kind::Folders, read_folders, &Directories::state>, "[]",
        "Below `/var/lib`; for another user below `$XDG_STATE_HOME`."},
    Key{"log", value_field<Kind::Folders, read_folders, &Directories::log>, "[]",
        "Below `/var/log`; for another user below `$XDG_STATE_HOME/log`."},
    Key{"mode", value_field<Kind::Mode, read_mode, &Directories::mode>, "\"0755\"",
        "The permissions of each of them."},
};

inline Literal write_scheduling(const void* of, const void* fallback) {
    if (same_member<&Draft::execution, &Execution::scheduling>(of, fallback)) return {};
    const auto& value = static_cast<const Draft*>(of)->execution.scheduling;
    return value ? written_scheduling(*value) : Literal{};
}
inline Literal write_io_priority(const void* of, const void* fallback) {
    if (same_member<&Draft::execution, &Execution::io_priority>(of, fallback)) return {};
    const auto& value = static_cast<const Draft*>(of)->execution.io_priority;
    return value ? written_io_priority(*value) : Literal{};
}

inline constexpr Field kSchedulingField{
    Kind::Map,
    read_in_place<read_scheduling, &Draft::execution, &Execution::scheduling>,
    same_member<&Draft::execution, &Execution::scheduling>,
    write_scheduling,
    {kSchedulingKeys.data(), kSchedulingKeys.size()},
    kPoliciesAlone};
inline constexpr Field kIoPriorityField{
    Kind::Map,
    read_in_place<read_io_priority, &Draft::execution, &Execution::io_priority>,
    same_member<&Draft::execution, &Execution::io_priority>,
    write_io_priority,
    {kIoPriorityKeys.data(), kIoPriorityKeys.size()},
    kIoClasses};

}  // namespace reeve::config
