#include "config/kinds.h"

#include <iterator>

namespace reeve::config {

namespace {

constexpr SharedSchema kShared[] = {
    {"variable", R"({"type": "string", "pattern": "\\$\\{"})"},
    {"string", R"({"type": ["string", "number", "boolean"]})"},
    {"service_name", R"({"anyOf": [{"type": "string", "pattern": )"
                     R"("^[a-z0-9][a-z0-9._-]{0,63}(@[a-z0-9][a-z0-9._-]{0,63})?$"}, )"
                     R"({"type": "integer"}, {"$ref": "#/$defs/variable"}]})"},
    {"name", R"({"anyOf": [{"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"}, )"
             R"({"type": "integer"}, {"$ref": "#/$defs/variable"}]})"},
    {"hook",
     R"({"anyOf": [{"$ref": "#/$defs/command"}, {"type": "object", "required": ["command"], )"
     R"("additionalProperties": false, "properties": {"command": {"$ref": "#/$defs/command"}, )"
     R"("timeout": {"$ref": "#/$defs/duration"}, "as": {"anyOf": [{"enum": ["service", "root"]}, )"
     R"({"$ref": "#/$defs/variable"}]}}}]})"},
};

constexpr KindInfo kText{"text", "string", R"({"$ref": "#/$defs/string"})"};
constexpr KindInfo kBool{"bool", "`true` or `false`",
                         R"({"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/variable"}]})"};
constexpr KindInfo kInteger{
    "integer", "whole number",
    R"({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[+-]?[0-9]+$"}, )"
    R"({"$ref": "#/$defs/variable"}]})"};
constexpr KindInfo kNumber{
    "number", "number",
    R"({"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?$"}, )"
    R"({"$ref": "#/$defs/variable"}]})"};
constexpr KindInfo kDuration{
    "duration", "[duration](#values)",
    R"({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": )"
    R"("^([0-9]+(\\.[0-9]+)?|([0-9]+(\\.[0-9]+)?(d|h|m|s|ms))+)$"}, )"
    R"({"$ref": "#/$defs/variable"}]})"};
constexpr KindInfo kMaybeDuration{
    "maybe_duration", "[duration](#values) or `none`",
    R"({"anyOf": [{"$ref": "#/$defs/duration"}, {"const": "none"}]})"};
constexpr KindInfo kSize{
    "size", "[size](#values)",
    R"({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": )"
    R"("^[0-9]+([KMGT]iB)?$"}, {"$ref": "#/$defs/variable"}]})"};
constexpr KindInfo kPercent{
    "percent", "percentage",
    R"({"anyOf": [{"const": 0}, {"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?%|0)$"}, )"
    R"({"$ref": "#/$defs/variable"}]})"};
constexpr KindInfo kMode{
    "mode", "octal mode",
    R"({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": )"
    R"("^(0o)?[0-7]{1,4}$"}, {"$ref": "#/$defs/variable"}]})"};
constexpr KindInfo kSignal{
    "signal", "[signal](#values)",
    R"({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": )"
    R"("^((SIG)?[A-Z][A-Z0-9]+([+-][0-9]+)?|[0-9]+)$"}, {"$ref": "#/$defs/variable"}]})"};
constexpr KindInfo kCommand{
    "command", "[command](#commands)",
    R"({"anyOf": [{"$ref": "#/$defs/string"}, )"
    R"({"type": "array", "items": {"$ref": "#/$defs/string"}, "minItems": 1}]})"};
constexpr KindInfo kCommands{
    "commands", "[commands](#commands-of-a-turn)",
    R"({"anyOf": [{"$ref": "#/$defs/hook"}, )"
    R"({"type": "array", "items": {"$ref": "#/$defs/string"}}, )"
    R"({"type": "array", "items": {"anyOf": [{"type": "array"}, {"type": "object"}], )"
    R"("$ref": "#/$defs/hook"}}]})"};
constexpr KindInfo kPath{
    "path", "absolute path",
    R"({"anyOf": [{"type": "string", "pattern": "^/"}, {"$ref": "#/$defs/variable"}]})"};
constexpr KindInfo kNames{"names", "list of names",
                          R"({"type": "array", "items": {"$ref": "#/$defs/name"}})"};
constexpr KindInfo kServices{"services", "list of names",
                             R"({"type": "array", "items": {"$ref": "#/$defs/service_name"}})"};
constexpr KindInfo kInstances{
    "instances", "number or list of names",
    R"({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 1000}, )"
    R"({"type": "string", "pattern": "^[0-9]+$"}, {"$ref": "#/$defs/variable"}, )"
    R"({"type": "array", "items": {"$ref": "#/$defs/name"}, "minItems": 1, "maxItems": 1000}]})"};
constexpr KindInfo kExits{"exits", "list of exit codes and [signals](#values)",
                          R"({"type": "array", "items": {"type": ["integer", "string"]}})"};
constexpr KindInfo kChoice{"choice", "", ""};
constexpr KindInfo kVariables{
    "variables", "map of names and strings",
    R"({"type": "object", "additionalProperties": {"$ref": "#/$defs/string"}})"};
constexpr KindInfo kEnvironmentFiles{
    "environment_files", "list of paths",
    R"({"type": "array", "items": {"anyOf": [{"type": "string", "pattern": "^-?/"}, )"
    R"({"$ref": "#/$defs/variable"}]}})"};
constexpr KindInfo kInherit{"inherit", "`true`, `false` or list of names",
                            R"({"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/variable"}, )"
                            R"({"type": "array", "items": {"type": "string"}}]})"};
constexpr KindInfo kLimits{
    "limits", "map: `VALUE`, `SOFT:HARD` or `unlimited`",
    R"({"type": "object", "additionalProperties": false, "patternProperties": )"
    R"({"^(as|core|cpu|data|fsize|locks|memlock|msgqueue|nice|nofile|nproc|rss|rtprio|rttime|)"
    R"(sigpending|stack)$": {"type": ["integer", "string"]}}})"};
constexpr KindInfo kAddress{
    "address", "`HOST:PORT`",
    R"({"anyOf": [{"type": "string", "pattern": ":[0-9]+$"}, {"$ref": "#/$defs/variable"}]})"};
constexpr KindInfo kUserName{"user", "name or id", R"({"type": ["string", "integer"]})"};
constexpr KindInfo kGroupName{"group", "name or id", R"({"type": ["string", "integer"]})"};
constexpr KindInfo kGroupNames{"groups", "list of names or ids",
                               R"({"type": "array", "items": {"type": ["string", "integer"]}})"};
constexpr KindInfo kStdin{
    "stdin", "`null` or absolute path",
    R"({"anyOf": [{"type": "null"}, {"const": "null"}, {"$ref": "#/$defs/path"}]})"};
constexpr KindInfo kLogFile{"log_file", "`syslog` or absolute path",
                            R"({"anyOf": [{"const": "syslog"}, {"$ref": "#/$defs/path"}]})"};
constexpr KindInfo kDestinations{
    "destinations", "`file`, `console`, `syslog`, `inherit`, `none`, or a list",
    R"({"anyOf": [{"enum": ["file", "console", "syslog", "inherit", "none"]}, )"
    R"({"$ref": "#/$defs/variable"}, {"type": "array", "items": )"
    R"({"enum": ["file", "console", "syslog", "inherit", "none"]}, "minItems": 1}]})"};
constexpr KindInfo kUrl{
    "url", "`http://ADDRESS[:PORT][/PATH]`",
    R"({"anyOf": [{"type": "string", "pattern": "^http://"}, {"$ref": "#/$defs/variable"}]})"};
constexpr KindInfo kStatuses{
    "statuses", "list of codes and ranges",
    R"({"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "integer", "minimum": 100, )"
    R"("maximum": 599}, {"type": "string", "pattern": "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$"}, )"
    R"({"$ref": "#/$defs/variable"}]}})"};
constexpr KindInfo kPattern{"pattern",
                            "[regular expression](https://github.com/google/re2/wiki/Syntax)",
                            R"({"$ref": "#/$defs/string"})"};
constexpr KindInfo kFolders{
    "folders", "list of names",
    R"({"type": "array", "items": {"type": ["string", "number"], "pattern": "^[^/]"}})"};
constexpr KindInfo kCpus{"cpus", "list of numbers and ranges",
                         R"({"anyOf": [{"type": ["integer", "string"]}, )"
                         R"({"type": "array", "items": {"type": ["integer", "string"]}}]})"};
constexpr KindInfo kCapabilities{"capabilities", "list of names",
                                 R"({"type": "array", "items": {"type": "string"}})"};
constexpr KindInfo kMap{"map", "map", ""};

constexpr Kind kAll[] = {
    Kind::Text,         Kind::Bool,         Kind::Integer,       Kind::Number,
    Kind::Duration,     Kind::Size,         Kind::Percent,       Kind::Mode,
    Kind::Signal,       Kind::Command,      Kind::Path,          Kind::Names,
    Kind::Exits,        Kind::Choice,       Kind::Variables,     Kind::EnvironmentFiles,
    Kind::Inherit,      Kind::Limits,       Kind::Address,       Kind::UserName,
    Kind::GroupName,    Kind::GroupNames,   Kind::Stdin,         Kind::LogFile,
    Kind::Destinations, Kind::Services,     Kind::Instances,     Kind::Commands,
    Kind::Url,          Kind::Statuses,     Kind::Pattern,       Kind::Folders,
    Kind::Cpus,         Kind::Capabilities, Kind::MaybeDuration, Kind::Map};

}  // namespace

std::span<const SharedSchema> shared_schemas() { return kShared; }
std::span<const Kind> all_kinds() { return kAll; }

const KindInfo& info_of(Kind kind) {
    switch (kind) {
        case Kind::Text:
            return kText;
        case Kind::Bool:
            return kBool;
        case Kind::Integer:
            return kInteger;
        case Kind::Number:
            return kNumber;
        case Kind::Duration:
            return kDuration;
        case Kind::MaybeDuration:
            return kMaybeDuration;
        case Kind::Size:
            return kSize;
        case Kind::Percent:
            return kPercent;
        case Kind::Mode:
            return kMode;
        case Kind::Signal:
            return kSignal;
        case Kind::Command:
            return kCommand;
        case Kind::Path:
            return kPath;
        case Kind::Names:
            return kNames;
        case Kind::Exits:
            return kExits;
        case Kind::Choice:
            return kChoice;
        case Kind::Variables:
            return kVariables;
        case Kind::EnvironmentFiles:
            return kEnvironmentFiles;
        case Kind::Inherit:
            return kInherit;
        case Kind::Limits:
            return kLimits;
        case Kind::Address:
            return kAddress;
        case Kind::UserName:
            return kUserName;
        case Kind::GroupName:
            return kGroupName;
        case Kind::GroupNames:
            return kGroupNames;
        case Kind::Stdin:
            return kStdin;
        case Kind::LogFile:
            return kLogFile;
        case Kind::Destinations:
            return kDestinations;
        case Kind::Services:
            return kServices;
        case Kind::Instances:
            return kInstances;
        case Kind::Commands:
            return kCommands;
        case Kind::Url:
            return kUrl;
        case Kind::Statuses:
            return kStatuses;
        case Kind::Pattern:
            return kPattern;
        case Kind::Folders:
            return kFolders;
        case Kind::Cpus:
            return kCpus;
        case Kind::Capabilities:
            return kCapabilities;
        case Kind::Map:
            return kMap;
    }
    return kText;
}

}  // namespace reeve::config
