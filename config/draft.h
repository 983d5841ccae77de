#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/plan.h"

namespace reeve::config {

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

/// What every service begins as.
Draft initial_draft(bool as_pid1);

/// A service as the table sees it, in the words of its definition.
Draft draft_of(const Service& service);

/// What it is without any key of its own but `type`. As PID 1 nothing is taken for granted of where
/// its output goes, since that depends on who reads the definition.
Draft fallback_of(const Service& service, bool as_pid1);

/// A probe while it is read: its kinds side by side, so that two of them can be told. The last
/// three are of `health` alone.
struct ProbeDraft {
    std::optional<Argv> exec;
    std::optional<TcpCheck> tcp;
    std::optional<std::string> unix_path;
    std::optional<HttpCheck> http;
    std::optional<std::vector<StatusRange>> status;
    std::optional<std::string> path;
    std::optional<int> fd;
    std::optional<std::string> log;
    Duration interval = Probe{}.interval;
    Duration timeout = Probe{}.timeout;
    int failures = 0;
    Duration start_delay{};
    HealthAction action = HealthAction::Restart;
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

SupervisorDraft draft_of(const Supervisor& supervisor);

}  // namespace reeve::config
