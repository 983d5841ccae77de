#include "ctl/protocol/status_json.h"

#include <array>
#include <boost/json/array.hpp>

#include "base/signal_name.h"

namespace reeve::protocol {

namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 9> state_names = {
    "stopped",  "waiting", "starting", "running", "reloading",
    "stopping", "backoff", "failed",   "done",
};

void write(JsonWriter& out, const LastExit& exit) {
    out.begin_object();
    out.field("code", exit.status.code);
    out.key("signal");
    exit.status.signal ? out.value(signal_name(*exit.status.signal)) : out.value(nullptr);
    out.field("core", exit.status.core);
    out.field("at", exit.at);
    out.field("ran", exit.ran);
    out.end_object();
}

void write(JsonWriter& out, const Process& process) {
    out.begin_object();
    out.field("pid", process.pid);
    out.field("ppid", process.ppid);
    out.field("command", process.command);
    out.field("state", process.state);
    out.end_object();
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
    out.key("last_exit");
    service.last_exit ? write(out, *service.last_exit) : out.value(nullptr);
    out.field("status_text", service.status_text);
    out.field("memory", service.memory);
    out.field("cpu", service.cpu);
    out.field("tasks", service.tasks);
    if (service.processes) {
        out.key("processes");
        out.begin_array();
        for (const Process& process : *service.processes) write(out, process);
        out.end_array();
    }
    out.end_object();
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

constexpr std::int64_t max_pid = std::numeric_limits<pid_t>::max();

pid_t read_pid(Fields& in, std::string_view name) {
    return static_cast<pid_t>(in.number(name, 0, max_pid));
}

LastExit read_exit(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    LastExit exit;
    if (in.known("code")) exit.status.code = static_cast<int>(in.number("code", 0, 255));
    if (in.known("signal")) {
        exit.status.signal = signal_number(in.text("signal"));
        if (!exit.status.signal && problem.empty()) problem = path + ".signal is no signal's name";
    }
    exit.status.core = in.truth("core");
    if (in.known("at")) exit.at = in.moment("at");
    if (in.known("ran")) exit.ran = in.seconds("ran");
    return exit;
}

Process read_process(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {read_pid(in, "pid"), read_pid(in, "ppid"), in.text("command"), in.text("state")};
}

std::optional<std::uint64_t> read_count(Fields& in, std::string_view name) {
    if (!in.known(name)) return std::nullopt;
    return static_cast<std::uint64_t>(in.number(name, 0));
}

ServiceStatus read_service(const json::value& value, const std::string& path,
                           std::string& problem) {
    Fields in(value, path, problem);
    ServiceStatus service;
    service.name = in.text("name");
    service.description = in.text("description");
    service.type = in.text("type");
    if (const auto state = parse_state(in.text("state"))) {
        service.state = *state;
    } else if (problem.empty()) {
        problem = path + ".state is none that this client knows";
    }
    service.cause = in.text("cause");
    service.ready = in.truth("ready");
    service.enabled = in.truth("enabled");
    service.groups = in.texts("groups");
    if (in.known("pid")) service.pid = read_pid(in, "pid");
    if (in.known("since")) service.since = in.moment("since");
    if (in.known("uptime")) service.uptime = in.seconds("uptime");
    service.restarts = static_cast<std::uint64_t>(in.number("restarts", 0));
    if (in.known("last_exit")) {
        service.last_exit = read_exit(*in.take("last_exit"), path + ".last_exit", problem);
    }
    if (in.known("status_text")) service.status_text = in.text("status_text");
    service.memory = read_count(in, "memory");
    if (in.known("cpu")) service.cpu = in.seconds("cpu");
    service.tasks = read_count(in, "tasks");
    if (in.known("processes")) {
        service.processes =
            in.list<Process>("processes", [&](const json::value& item, const std::string& where) {
                return read_process(item, where, problem);
            });
    }
    return service;
}

SupervisorStatus read_supervisor(const json::value& value, std::string& problem) {
    Fields in(value, "supervisor", problem);
    SupervisorStatus supervisor;
    supervisor.version = in.text("version");
    supervisor.pid = read_pid(in, "pid");
    supervisor.stopping = in.text("state") == "stopping";
    supervisor.uptime = in.seconds("uptime");
    supervisor.runtime_dir = in.text("runtime_dir");
    supervisor.config = in.texts("config");
    return supervisor;
}

}  // namespace

std::string_view to_string(State state) { return state_names[static_cast<std::size_t>(state)]; }

std::optional<State> parse_state(std::string_view word) {
    for (std::size_t i = 0; i < state_names.size(); ++i) {
        if (state_names[i] == word) return static_cast<State>(i);
    }
    return std::nullopt;
}

void write(JsonWriter& out, const StatusDocument& document) {
    out.begin_object();
    out.field("schema", 1);
    out.key("supervisor");
    write(out, document.supervisor);
    out.key("services");
    out.begin_array();
    for (const ServiceStatus& service : document.services) write(out, service);
    out.end_array();
    out.end_object();
}

StatusDocument read_status(const json::value& value, std::string& problem) {
    Fields in(value, "result", problem);
    StatusDocument document;
    if (in.number("schema") != 1 && problem.empty()) problem = "result.schema is not 1";
    if (const json::value* supervisor = in.take("supervisor")) {
        document.supervisor = read_supervisor(*supervisor, problem);
    }
    document.services =
        in.list<ServiceStatus>("services", [&](const json::value& item, const std::string& where) {
            return read_service(item, where, problem);
        });
    return document;
}

std::string to_json(const StatusDocument& document) {
    JsonWriter out;
    write(out, document);
    return out.take();
}

}  // namespace reeve::protocol
