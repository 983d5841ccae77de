#pragma once

#include <optional>
#include <string>

#include "base/signal_name.h"

namespace reeve {

/// How a process ended, as waitid(2) tells it: a code or a signal, or neither where the kernel no
/// longer knows (a process adopted from a supervisor that died).
struct ExitStatus {
    std::optional<int> code;
    std::optional<int> signal;
    bool core = false;

    static ExitStatus exited(int code) { return {code, std::nullopt, false}; }
    static ExitStatus killed(int signal, bool core = false) { return {std::nullopt, signal, core}; }
    static ExitStatus unknown() { return {}; }

    /// What a shell would report: the code, or 128 plus the signal's number; 1 if unknown.
    int shell_status() const { return code ? *code : signal ? 128 + *signal : 1; }

    /// "exit 1", "killed by SIGSEGV (core dumped)", "ended, status unknown".
    std::string text() const {
        if (code) return "exit " + std::to_string(*code);
        if (!signal) return "ended, status unknown";
        return "killed by " + signal_name(*signal) + (core ? " (core dumped)" : "");
    }

    bool operator==(const ExitStatus&) const = default;
};

}  // namespace reeve
