#include "ctl/protocol/result_json.h"

#include "ctl/protocol/status_json.h"
#include "ctl/protocol/words.h"

namespace reeve::protocol {

namespace json = boost::json;

namespace {

constexpr int max_version = 1'000'000;

}  // namespace

void write(JsonWriter& out, const Failure& failure) {
    out.begin_object();
    out.field("code", static_cast<int>(failure.code));
    out.field("message", failure.message);
    if (!failure.services.empty() || failure.nearest) {
        out.key("data");
        out.begin_object();
        out.field("services", failure.services);
        out.field("nearest", failure.nearest);
        out.end_object();
    }
    out.end_object();
}

template <>
Failure read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    Failure failure;
    failure.code = static_cast<ErrorCode>(in.integer("code", -40'000, 255));
    failure.message = in.text("message");
    if (!in.known("data")) return failure;
    Fields data(*in.take("data"), path + ".data", problem);
    if (data.known("services")) failure.services = data.texts("services");
    failure.nearest = data.maybe("nearest", &Fields::text);
    return failure;
}

Failure no_such_service(std::string name, std::optional<std::string> nearest) {
    Failure failure;
    failure.code = ErrorCode::NoSuchService;
    failure.message = "no service is named " + name;
    if (nearest) failure.message += "; did you mean " + *nearest + "?";
    failure.services = {std::move(name)};
    failure.nearest = std::move(nearest);
    return failure;
}

void write(JsonWriter& out, const Welcome& welcome) {
    out.begin_object();
    out.field("protocol", welcome.protocol);
    out.field("version", welcome.version);
    out.field("pid", welcome.pid);
    out.field("runtime_dir", welcome.runtime_dir);
    out.field("log_dir", welcome.log_dir);
    out.end_object();
}

template <>
Welcome read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.integer("protocol", 0, max_version), in.text("version"), read_pid(in, "pid"),
            in.text("runtime_dir"), in.text("log_dir")};
}

void write(JsonWriter& out, const Accepted&) {
    out.begin_object();
    out.end_object();
}

template <>
Accepted read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {};
}

void write(JsonWriter& out, const VersionInfo& version) {
    out.begin_object();
    out.field("version", version.version);
    out.field("protocol", version.protocol);
    out.end_object();
}

template <>
VersionInfo read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.text("version"), in.integer("protocol", 0, max_version)};
}

void write(JsonWriter& out, const Upgraded& upgraded) {
    out.begin_object();
    out.field("before", upgraded.before);
    out.field("version", upgraded.version);
    out.field("pid", upgraded.pid);
    out.end_object();
}

template <>
Upgraded read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    Upgraded upgraded;
    upgraded.before = in.text("before");
    upgraded.version = in.text("version");
    upgraded.pid = in.integer("pid", 0, std::numeric_limits<pid_t>::max());
    return upgraded;
}

void write(JsonWriter& out, const CommandResult& result) {
    out.begin_object();
    out.field("service", result.service);
    out.field("ok", !result.failure);
    out.field("code", result.failure ? static_cast<int>(*result.failure) : 0);
    out.field("state", to_string(result.state));
    out.field("cause", result.cause);
    out.field("pid", result.pid);
    out.field("changed", result.changed);
    out.end_object();
}

template <>
CommandResult read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    CommandResult result;
    result.service = in.text("service");
    const int code = in.integer("code", 0, 255);
    if (!in.truth("ok")) result.failure = static_cast<ErrorCode>(code == 0 ? 1 : code);
    result.state = in.word<State>("state", state_words);
    result.cause = in.text("cause");
    result.pid = in.maybe("pid", read_pid);
    result.changed = in.truth("changed");
    return result;
}

void write_members(JsonWriter& out, const Outcome& outcome) {
    out.list("results", outcome.results);
    out.field("also", outcome.also);
}

void write(JsonWriter& out, const Outcome& outcome) {
    out.begin_object();
    write_members(out, outcome);
    out.end_object();
}

template <>
Outcome read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.list<CommandResult>("results"), in.texts("also")};
}

void write(JsonWriter& out, const Step& step) {
    out.begin_object();
    out.field("service", step.service);
    out.field("do", to_string(step.kind));
    out.field("cause", step.cause);
    out.end_object();
}

template <>
Step read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.text("service"), in.word<Step::Kind>("do", step_words), in.text("cause")};
}

void write(JsonWriter& out, const Rehearsal& rehearsal) {
    out.begin_object();
    out.list("steps", rehearsal.steps);
    write_members(out, rehearsal.outcome);
    out.end_object();
}

template <>
Rehearsal read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.list<Step>("steps"), read<Outcome>(value, path, problem)};
}

}  // namespace reeve::protocol
