#include "supervisor/shell/environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "supervisor/os/environment_file.h"

namespace reeve::shell {

namespace {

/// What our own supervisor, if any, meant for us alone.
bool is_private(std::string_view name) {
    constexpr std::array<std::string_view, 11> names = {
        "NOTIFY_SOCKET", "WATCHDOG_USEC",  "WATCHDOG_PID",       "LISTEN_FDS",
        "LISTEN_PID",    "LISTEN_FDNAMES", "INVOCATION_ID",      "JOURNAL_STREAM",
        "REEVE_SERVICE", "MAINPID",        "REEVE_INVOCATION_ID"};
    return std::find(names.begin(), names.end(), name) != names.end();
}

void inherit(const config::InheritEnvironment& from, const Environment& own, Environment& result) {
    for (const auto& [name, value] : own) {
        const bool wanted =
            from.all || std::find(from.names.begin(), from.names.end(), name) != from.names.end();
        if (wanted && !is_private(name)) result[name] = value;
    }
    result.try_emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

void describe_user(const config::Credentials& credentials, Environment& result) {
    if (credentials.user.empty()) return;
    result["USER"] = credentials.user;
    result["LOGNAME"] = credentials.user;
    if (!credentials.home.empty()) result["HOME"] = credentials.home;
    if (!credentials.shell.empty()) result["SHELL"] = credentials.shell;
}

}  // namespace

Environment own_environment() {
    Environment result;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        if (equals != std::string_view::npos) {
            result.emplace(text.substr(0, equals), text.substr(equals + 1));
        }
    }
    for (const char* name :
         {"REEVE_CONFIG", "REEVE_RUNTIME_DIR", "REEVE_LOG_DIR", "REEVE_STATE_DIR"}) {
        if (const auto own = result.find(name); own != result.end()) {
            own->second = absolute(own->second);
        }
    }
    return result;
}

std::string absolute(const std::string& path) {
    if (path.empty() || path.front() == '/') return path;
    std::error_code error;
    const auto folder = std::filesystem::current_path(error);
    return error ? path : (folder / path).lexically_normal().string();
}

Result<Environment> environment_of(const config::Execution& execution, const Environment& own,
                                   const Environment& extra, bool as_root) {
    Environment result;
    inherit(execution.inherit_environment, own, result);
    if (execution.credentials && !as_root) describe_user(*execution.credentials, result);
    for (const config::EnvironmentFile& file : execution.environment_files) {
        auto variables = os::read_environment_file(file.path, as_root);
        if (!variables) {
            if (file.may_be_missing && variables.error().errnum == ENOENT) continue;
            return variables.error();
        }
        for (auto& [name, value] : *variables) result[name] = std::move(value);
    }
    for (const auto& [name, value] : execution.environment) result[name] = value;
    for (const auto& [name, value] : extra) result[name] = value;
    return result;
}

std::vector<std::string> to_strings(const Environment& environment) {
    std::vector<std::string> strings;
    strings.reserve(environment.size());
    for (const auto& [name, value] : environment) strings.push_back(name + "=" + value);
    return strings;
}

}  // namespace reeve::shell
