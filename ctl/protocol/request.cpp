#include <boost/json/object.hpp>

#include "base/nearest.h"
#include "ctl/protocol/call_json.h"
#include "ctl/protocol/json_text.h"
#include "ctl/protocol/message.h"
#include "ctl/protocol/notice_json.h"

namespace reeve::protocol {

namespace {

namespace json = boost::json;

Refusal refusal(std::optional<Id> id, ErrorCode code, std::string message) {
    return Refusal{std::move(id), Failure{code, std::move(message), {}, {}}};
}

Refusal no_such_method(const Id& id, std::string_view method) {
    // What others send may be long; a person has seen enough of it after this much.
    std::string words = "there is no method " + std::string(method.substr(0, 64));
    const auto meant = method.size() <= 64 ? nearest(method, all_methods()) : std::nullopt;
    if (meant) words += "; did you mean " + *meant + "?";
    return refusal(id, ErrorCode::NoSuchMethod, std::move(words));
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
    const ReadCall read_call = reader_of(method);
    if (read_call == nullptr) return no_such_method(*id, method);
    const json::value nothing(json::object_kind);
    const json::value* params = object->if_contains("params");
    std::string problem;
    Fields in(params != nullptr ? *params : nothing, "params", problem);
    Call call = read_call(in);
    if (!problem.empty()) return refusal(id, ErrorCode::InvalidParams, std::move(problem));
    return Request{*id, std::move(call)};
}

}  // namespace

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
    out.part("id", request.id);
    out.field("method", method_of(request.call));
    out.part("params", request.call);
    out.end_object();
    return out.take() + '\n';
}

}  // namespace reeve::protocol
