#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/plan.h"

namespace reeve::shell {

/// What `reeved` was asked to do; empty strings and lists were not given. Paths are absolute.
struct Options {
    std::vector<std::string> config;
    bool check = false;
    bool can_resume = false;
    bool daemonize = false;
    std::string pid_file;
    std::string runtime_dir, log_dir, state_dir;
    std::optional<config::LogLevel> log_level;
    std::optional<config::LogFormat> log_format;
    std::string log_file;
    std::string default_log_file;  ///< for a daemon, when nobody names one
};

/// The options, or the exit status of a run that is over: help, version or bad usage, which has
/// been said. Being init for one command is not among them: init::run() takes what it understands,
/// and what it leaves of that is bad usage.
std::variant<Options, int> parse_command_line(int argc, char** argv);

/// Lays the flags over what the configuration says.
void apply(const Options& options, config::Supervisor& settings);

}  // namespace reeve::shell
