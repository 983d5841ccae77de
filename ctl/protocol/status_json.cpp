#include "ctl/protocol/status_json.h"

#include "base/signal_name.h"
#include "ctl/protocol/words.h"

namespace reeve::protocol {

namespace json = boost::json;

pid_t read_pid(Fields& in, std::string_view name) {
    return in.integer(name, 0, std::numeric_limits<pid_t>::max());
}

namespace {

int read_code(Fields& in, std::string_view name) { return in.integer(name, 0, 255); }

/// Whatever signal_name() writes: "signal 32" for those that have no name.
int read_signal(Fields& in, std::string_view name) {
    const std::string words = in.text(name);
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        if (words == signal_name(signal)) return signal;
    }
    in.expected(name, "the name of a signal");
    return 0;
}

}  // namespace

void write_status(JsonWriter& out, const ExitStatus& status) {
    out.field("code", status.code);
    out.key("signal");
    status.signal ? out.value(signal_name(*status.signal)) : out.value(nullptr);
    out.field("core", status.core);
}

ExitStatus read_status(Fields& in) {
    return {in.maybe("code", read_code), in.maybe("signal", read_signal), in.truth("core")};
}

void write(JsonWriter& out, const LastExit& exit) {
    out.begin_object();
    write_status(out, exit.status);
    out.field("at", exit.at);
    out.field("ran", exit.ran);
    out.end_object();
}

template <>
LastExit read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {read_status(in), in.maybe("at", &Fields::moment), in.maybe("ran", &Fields::seconds)};
}

void write(JsonWriter& out, const Process& process) {
    out.begin_object();
    out.field("pid", process.pid);
    out.field("ppid", process.ppid);
    out.field("command", process.command);
    out.field("state", process.state);
    out.end_object();
}

template <>
Process read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {read_pid(in, "pid"), read_pid(in, "ppid"), in.text("command"), in.text("state")};
}

void write(JsonWriter& out, const Tracking& tracking) {
    out.begin_object();
    out.field("by", tracking.by);
    out.field("cgroup", tracking.cgroup);
    out.field("why", tracking.why);
    out.end_object();
}

template <>
Tracking read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.text("by"), in.maybe("cgroup", &Fields::text), in.maybe("why", &Fields::text)};
}

void write(JsonWriter& out, const LogTrouble& trouble) {
    out.begin_object();
    out.field("problem", trouble.problem);
    out.field("since", trouble.since);
    out.field("waiting", trouble.waiting);
    out.field("lost", trouble.lost);
    out.field("over_rate", trouble.over_rate);
    out.end_object();
}

template <>
LogTrouble read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.maybe("problem", &Fields::text), in.maybe("since", &Fields::moment),
            in.truth("waiting"), in.count("lost"), in.count("over_rate")};
}

void write(JsonWriter& out, const ServiceStatus& service) {
    out.begin_object();
    out.field("name", service.name);
    out.field("description", service.description);
    out.field("type", service.type);
    out.field("state", to_string(service.state));
    out.field("cause", service.cause);
    out.field("ready", service.ready);
    out.field("enabled", service.enabled);
    out.field("groups", service.groups);
    out.field("pid", service.pid);
    out.field("since", service.since);
    out.field("uptime", service.uptime);
    out.field("restarts", service.restarts);
    out.part("last_exit", service.last_exit);
    out.field("status_text", service.status_text);
    out.field("unhealthy", service.unhealthy);
    out.part("tracking", service.tracking);
    out.part("log", service.log);
    out.field("memory", service.memory);
    out.field("cpu", service.cpu);
    out.field("tasks", service.tasks);
    if (service.processes) out.list("processes", *service.processes);
    out.end_object();
}

template <>
ServiceStatus read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    ServiceStatus service;
    service.name = in.text("name");
    service.description = in.text("description");
    service.type = in.text("type");
    service.state = in.word<State>("state", state_words);
    service.cause = in.text("cause");
    service.ready = in.truth("ready");
    service.enabled = in.truth("enabled");
    service.groups = in.texts("groups");
    service.pid = in.maybe("pid", read_pid);
    service.since = in.maybe("since", &Fields::moment);
    service.uptime = in.maybe("uptime", &Fields::seconds);
    service.restarts = in.count("restarts");
    service.last_exit = in.maybe("last_exit", &Fields::part<LastExit>);
    service.status_text = in.maybe("status_text", &Fields::text);
    service.unhealthy = in.maybe("unhealthy", &Fields::text);
    service.tracking = in.maybe("tracking", &Fields::part<Tracking>);
    service.log = in.maybe("log", &Fields::part<LogTrouble>);
    service.memory = in.maybe("memory", &Fields::count);
    service.cpu = in.maybe("cpu", &Fields::seconds);
    service.tasks = in.maybe("tasks", &Fields::count);
    service.processes = in.maybe("processes", &Fields::list<Process>);
    return service;
}

void write(JsonWriter& out, const SupervisorStatus& supervisor) {
    out.begin_object();
    out.field("version", supervisor.version);
    out.field("pid", supervisor.pid);
    out.field("state", supervisor.stopping ? "stopping" : "running");
    out.field("uptime", supervisor.uptime);
    out.field("runtime_dir", supervisor.runtime_dir);
    out.field("config", supervisor.config);
    out.end_object();
}

template <>
SupervisorStatus read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    SupervisorStatus supervisor;
    supervisor.version = in.text("version");
    supervisor.pid = read_pid(in, "pid");
    supervisor.stopping = in.text("state") == "stopping";
    supervisor.uptime = in.seconds("uptime");
    supervisor.runtime_dir = in.text("runtime_dir");
    supervisor.config = in.texts("config");
    return supervisor;
}

void write(JsonWriter& out, const StatusDocument& document) {
    out.begin_object();
    out.field("schema", 1);
    out.part("supervisor", document.supervisor);
    out.list("services", document.services);
    out.end_object();
}

template <>
StatusDocument read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    if (in.number("schema") != 1) in.expected("schema", "1");
    return {in.part<SupervisorStatus>("supervisor"), in.list<ServiceStatus>("services")};
}

}  // namespace reeve::protocol
