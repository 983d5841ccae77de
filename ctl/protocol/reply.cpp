#include "ctl/protocol/json_writer.h"
#include "ctl/protocol/message.h"
#include "ctl/protocol/status_json.h"

namespace reeve::protocol {

namespace {

void write(JsonWriter& out, const Id& id) {
    std::visit([&](const auto& value) { out.value(value); }, id);
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

void write(JsonWriter& out, const Outcome& outcome) {
    out.begin_object();
    out.key("results");
    out.begin_array();
    for (const CommandResult& result : outcome.results) write(out, result);
    out.end_array();
    out.field("also", outcome.also);
    out.end_object();
}

void write(JsonWriter& out, const Accepted&) {
    out.begin_object();
    out.end_object();
}

void write(JsonWriter& out, const VersionInfo& version) {
    out.begin_object();
    out.field("version", version.version);
    out.field("protocol", version.protocol);
    out.end_object();
}

template <typename T>
std::string encode(const Id& id, const T& result) {
    JsonWriter out;
    out.begin_object();
    out.field("jsonrpc", "2.0");
    out.key("id");
    write(out, id);
    out.key("result");
    write(out, result);
    out.end_object();
    return out.take() + '\n';
}

}  // namespace

std::string encode_result(const Id& id, const Welcome& welcome) { return encode(id, welcome); }

std::string encode_result(const Id& id, const StatusDocument& document) {
    return encode(id, document);
}

std::string encode_result(const Id& id, const Outcome& outcome) { return encode(id, outcome); }

std::string encode_result(const Id& id, const Accepted& accepted) { return encode(id, accepted); }

std::string encode_result(const Id& id, const VersionInfo& version) { return encode(id, version); }

std::string encode_error(const std::optional<Id>& id, const Failure& failure) {
    JsonWriter out;
    out.begin_object();
    out.field("jsonrpc", "2.0");
    out.key("id");
    id ? write(out, *id) : out.value(nullptr);
    out.key("error");
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
    out.end_object();
    return out.take() + '\n';
}

std::string encode_event(const Event& event) {
    JsonWriter out;
    out.begin_object();
    out.field("jsonrpc", "2.0");
    out.field("method", "event");
    out.key("params");
    out.begin_object();
    out.field("seq", event.seq);
    out.field("time", event.time);
    out.field("event", event.kind == Event::Kind::Snapshot ? "snapshot" : "state");
    out.field("service", event.service);
    out.key("from");
    event.from ? out.value(to_string(*event.from)) : out.value(nullptr);
    out.field("to", to_string(event.to));
    out.field("cause", event.cause);
    out.field("pid", event.pid);
    out.end_object();
    out.end_object();
    return out.take() + '\n';
}

std::string encode_touches(const Touches& touches) {
    JsonWriter out;
    out.begin_object();
    out.field("jsonrpc", "2.0");
    out.field("method", "touches");
    out.key("params");
    out.begin_object();
    out.key("request");
    write(out, touches.request);
    out.field("verb", to_string(touches.verb));
    out.key("services");
    out.begin_array();
    for (const Touch& touch : touches.services) {
        out.begin_object();
        out.field("service", touch.service);
        out.field("verb", to_string(touch.verb));
        out.field("cause", touch.cause);
        out.end_object();
    }
    out.end_array();
    out.end_object();
    out.end_object();
    return out.take() + '\n';
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

std::string to_json(const Outcome& outcome) {
    JsonWriter out;
    write(out, outcome);
    return out.take();
}

}  // namespace reeve::protocol
