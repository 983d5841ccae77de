#include <algorithm>
#include <array>
#include <boost/json/object.hpp>

#include "base/nearest.h"
#include "base/overloaded.h"
#include "ctl/protocol/fields.h"
#include "ctl/protocol/json_text.h"
#include "ctl/protocol/json_writer.h"
#include "ctl/protocol/message.h"

namespace reeve::protocol {

namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 4> verb_names = {"start", "stop", "restart", "reload"};

Call read_hello(Fields& in) {
    in.only({"client", "protocol"});
    return Hello{in.text("client"), static_cast<int>(in.number("protocol", 0, 1'000'000))};
}

Call read_status_query(Fields& in) {
    in.only({"names", "resources", "processes"});
    StatusQuery query;
    if (in.has("names")) query.names = in.texts("names");
    if (in.has("resources")) query.resources = in.truth("resources");
    if (in.has("processes")) query.processes = in.truth("processes");
    return query;
}

template <Verb verb>
Call read_command(Fields& in) {
    in.only({"names", "wait", "timeout"});
    Command command;
    command.verb = verb;
    command.names = in.texts("names");
    if (command.names.empty() && in.problem().empty()) {
        in.problem() = "params.names must name at least one service";
    }
    if (in.has("wait")) command.wait = in.truth("wait");
    if (in.known("timeout")) command.timeout = in.seconds("timeout");
    return command;
}

template <typename T>
Call read_nothing(Fields& in) {
    in.only({});
    return T{};
}

struct Method {
    std::string_view name;
    Call (*read)(Fields&);
};

constexpr std::array methods = {
    Method{"hello", read_hello},
    Method{"status", read_status_query},
    Method{"start", read_command<Verb::Start>},
    Method{"stop", read_command<Verb::Stop>},
    Method{"restart", read_command<Verb::Restart>},
    Method{"reload", read_command<Verb::Reload>},
    Method{"shutdown", read_nothing<Shutdown>},
    Method{"version", read_nothing<VersionQuery>},
    Method{"subscribe", read_nothing<Subscribe>},
};

Refusal refusal(std::optional<Id> id, ErrorCode code, std::string message) {
    return Refusal{std::move(id), Failure{code, std::move(message), {}, {}}};
}

std::optional<Id> read_id(const json::value& value) {
    if (const auto* number = value.if_int64()) return Id(*number);
    if (const auto* text = value.if_string()) return Id(std::string(text->data(), text->size()));
    return std::nullopt;
}

/// What is wrong with the envelope around method and params, if anything.
std::string envelope_problem(const json::value& message, const std::optional<Id>& id) {
    std::string problem;
    Fields in(message, "the request", problem);
    in.only({"jsonrpc", "id", "method", "params"});
    if (in.text("jsonrpc") != "2.0" && problem.empty()) {
        problem = "the request.jsonrpc must be \"2.0\"";
    }
    in.text("method");
    if (in.take("id") != nullptr && !id) {
        problem = "the request.id must be a whole number or a string";
    }
    return problem;
}

boost::system::result<Request, Refusal> read_request(const json::value& message) {
    if (message.is_array()) {
        return refusal({}, ErrorCode::InvalidRequest,
                       "batches are not supported; send one request a line");
    }
    const json::object* object = message.if_object();
    const json::value* id_value = object != nullptr ? object->if_contains("id") : nullptr;
    const std::optional<Id> id = id_value != nullptr ? read_id(*id_value) : std::nullopt;
    if (std::string problem = envelope_problem(message, id); !problem.empty()) {
        return refusal(id, ErrorCode::InvalidRequest, std::move(problem));
    }
    const json::string& name = object->at("method").get_string();
    const std::string_view method(name.data(), name.size());
    const auto found = std::find_if(methods.begin(), methods.end(),
                                    [&](const Method& m) { return m.name == method; });
    if (found == methods.end()) {
        std::vector<std::string_view> names;
        for (const Method& m : methods) names.push_back(m.name);
        std::string words = "there is no method " + std::string(method.substr(0, 64));
        const auto meant = method.size() <= 64 ? nearest(method, names) : std::nullopt;
        if (meant) words += "; did you mean " + *meant + "?";
        return refusal(id, ErrorCode::NoSuchMethod, std::move(words));
    }
    const json::value nothing(json::object_kind);
    const json::value* params = object->if_contains("params");
    std::string problem;
    Fields in(params != nullptr ? *params : nothing, "params", problem);
    Call call = found->read(in);
    if (!problem.empty()) return refusal(id, ErrorCode::InvalidParams, std::move(problem));
    return Request{*id, std::move(call)};
}

void write_params(JsonWriter& out, const Call& call) {
    out.begin_object();
    std::visit(
        Overloaded{[&](const Hello& hello) {
                       out.field("client", hello.client);
                       out.field("protocol", hello.protocol);
                   },
                   [&](const StatusQuery& query) {
                       out.field("names", query.names);
                       out.field("resources", query.resources);
                       out.field("processes", query.processes);
                   },
                   [&](const Command& command) {
                       out.field("names", command.names);
                       out.field("wait", command.wait);
                       out.field("timeout", command.timeout);
                   },
                   [](const Shutdown&) {}, [](const VersionQuery&) {}, [](const Subscribe&) {}},
        call);
    out.end_object();
}

std::string_view method_of(const Call& call) {
    return std::visit(Overloaded{[](const Hello&) -> std::string_view { return "hello"; },
                                 [](const StatusQuery&) -> std::string_view { return "status"; },
                                 [](const Command& command) { return to_string(command.verb); },
                                 [](const Shutdown&) -> std::string_view { return "shutdown"; },
                                 [](const VersionQuery&) -> std::string_view { return "version"; },
                                 [](const Subscribe&) -> std::string_view { return "subscribe"; }},
                      call);
}

}  // namespace

std::string_view to_string(Verb verb) { return verb_names[static_cast<std::size_t>(verb)]; }

boost::system::result<Request, Refusal> parse_request(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.size() > max_request_size) {
        return refusal({}, ErrorCode::InvalidRequest,
                       "the request is longer than " + std::to_string(max_request_size) + " bytes");
    }
    const Result<json::value> message = parse_json(line, max_nesting);
    if (!message) return refusal({}, ErrorCode::ParseError, message.error().message);
    return read_request(*message);
}

std::string encode_request(const Request& request) {
    JsonWriter out;
    out.begin_object();
    out.field("jsonrpc", "2.0");
    out.key("id");
    std::visit([&](const auto& id) { out.value(id); }, request.id);
    out.field("method", method_of(request.call));
    out.key("params");
    write_params(out, request.call);
    out.end_object();
    return out.take() + '\n';
}

}  // namespace reeve::protocol
