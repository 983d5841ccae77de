#include "supervisor/shell/command_line.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <map>

#include "supervisor/shell/version.h"

namespace reeve::shell {

namespace {

constexpr int usage_status = 2;

/// A path given on the command line is relative to where the command was given.
std::string absolute(const std::string& path) {
    if (path.empty() || path.front() == '/') return path;
    std::error_code error;
    const auto folder = std::filesystem::current_path(error);
    return error ? path : (folder / path).lexically_normal().string();
}

}  // namespace

std::variant<Options, int> parse_command_line(int argc, char** argv) {
    const std::map<std::string, config::LogLevel> levels = {{"trace", config::LogLevel::Trace},
                                                            {"debug", config::LogLevel::Debug},
                                                            {"info", config::LogLevel::Info},
                                                            {"warning", config::LogLevel::Warning},
                                                            {"error", config::LogLevel::Error}};
    const std::map<std::string, config::LogFormat> formats = {{"text", config::LogFormat::Text},
                                                              {"json", config::LogFormat::Json}};
    Options options;
    std::string level, format;
    CLI::App app("Supervises the services that its configuration names, in the foreground.",
                 "reeved");
    app.set_version_flag("-V,--version", std::string("reeved ") + version);
    app.add_option("-c,--config", options.config,
                   "a file, or a folder whose *.yaml are read in order of name; repeatable")
        ->type_name("PATH")
        ->allow_extra_args(false);
    app.add_flag("--check", options.check, "validate the configuration and exit: 0 valid, 1 not");
    app.add_option("--runtime-dir", options.runtime_dir, "for the control socket and log pipes")
        ->type_name("PATH");
    app.add_option("--log-dir", options.log_dir, "for the services' logs")->type_name("PATH");
    app.add_option("--state-dir", options.state_dir, "for what lasts beyond a boot")
        ->type_name("PATH");
    app.add_option("--log-level", level, "trace, debug, info (default), warning or error")
        ->type_name("LEVEL")
        ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error"}));
    app.add_option("--log-format", format, "text (default) or json")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    app.add_option("--log-file", options.log_file, "instead of stderr")->type_name("PATH");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const bool asked_for = error.get_exit_code() == 0;
        return app.exit(error, std::cout, std::cerr) == 0 || asked_for ? 0 : usage_status;
    }
    if (!level.empty()) options.log_level = levels.at(level);
    if (!format.empty()) options.log_format = formats.at(format);
    for (std::string& path : options.config) path = absolute(path);
    for (std::string* path :
         {&options.runtime_dir, &options.log_dir, &options.state_dir, &options.log_file}) {
        *path = absolute(*path);
    }
    return options;
}

void apply(const Options& options, config::Supervisor& settings) {
    if (options.log_level) settings.log.level = *options.log_level;
    if (options.log_format) settings.log.format = *options.log_format;
    if (!options.log_file.empty()) settings.log.file = options.log_file;
}

}  // namespace reeve::shell
