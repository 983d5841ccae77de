#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/plan.h"

namespace reeve::config {

/// Who a service runs as, as the file says it: names or ids, not yet looked up.
struct Identity {
    std::optional<std::string> user, group;
    std::optional<std::vector<std::string>> supplementary_groups;
};

/// A service while it is read: what the tables of service_keys.h fill. Becomes a Service once its
/// names are looked up and its settings fit together.
struct Draft {
    std::string name;
    Execution execution;
    Policy policy;
    Relations relations;
    Identity identity;
    std::optional<RestartPolicy> restart;  ///< nothing: what the type asks for
};

/// A probe while it is read: its kinds side by side, so that two of them can be told.
struct ProbeDraft {
    std::optional<Argv> exec;
    std::optional<TcpCheck> tcp;
    Duration interval = Probe{}.interval;
    Duration timeout = Probe{}.timeout;
};

/// The supervisor's settings while they are read, groups not yet looked up.
struct SupervisorDraft {
    struct Socket {
        std::string path;
        std::optional<mode_t> mode;
        std::optional<std::string> group;
        bool operator==(const Socket&) const = default;
    };
    struct Access {
        std::vector<std::string> operate, read;
        bool operator==(const Access&) const = default;
    };
    Supervisor supervisor;
    Socket socket;
    Access access;
};

}  // namespace reeve::config
