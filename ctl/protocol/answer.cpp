#include <boost/json/object.hpp>

#include "ctl/protocol/fields.h"
#include "ctl/protocol/json_text.h"
#include "ctl/protocol/message.h"
#include "ctl/protocol/status_json.h"

namespace reeve::protocol {

namespace {

namespace json = boost::json;

/// Who is asked is trusted more than who asks; this only keeps the parser's stack in bounds.
constexpr std::size_t answer_nesting = 64;

constexpr int max_pid = std::numeric_limits<pid_t>::max();

template <typename T>
T read(const json::value& value, std::string& problem);

template <>
Welcome read(const json::value& value, std::string& problem) {
    Fields in(value, "result", problem);
    return {static_cast<int>(in.number("protocol", 0, 1'000'000)), in.text("version"),
            static_cast<pid_t>(in.number("pid", 0, max_pid)), in.text("runtime_dir"),
            in.text("log_dir")};
}

template <>
StatusDocument read(const json::value& value, std::string& problem) {
    return read_status(value, problem);
}

CommandResult read_result(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    CommandResult result;
    result.service = in.text("service");
    const std::int64_t code = in.number("code", 0, 255);
    if (!in.truth("ok")) result.failure = static_cast<ErrorCode>(code == 0 ? 1 : code);
    if (const auto state = parse_state(in.text("state"))) {
        result.state = *state;
    } else if (problem.empty()) {
        problem = path + ".state is none that this client knows";
    }
    result.cause = in.text("cause");
    if (in.known("pid")) result.pid = static_cast<pid_t>(in.number("pid", 0, max_pid));
    result.changed = in.truth("changed");
    return result;
}

template <>
Outcome read(const json::value& value, std::string& problem) {
    Fields in(value, "result", problem);
    Outcome outcome;
    outcome.results =
        in.list<CommandResult>("results", [&](const json::value& item, const std::string& path) {
            return read_result(item, path, problem);
        });
    outcome.also = in.texts("also");
    return outcome;
}

template <>
Accepted read(const json::value& value, std::string& problem) {
    Fields in(value, "result", problem);
    return {};
}

template <>
VersionInfo read(const json::value& value, std::string& problem) {
    Fields in(value, "result", problem);
    return {in.text("version"), static_cast<int>(in.number("protocol", 0, 1'000'000))};
}

Id read_id(const json::value& value, std::string& problem) {
    if (const auto* number = value.if_int64()) return *number;
    if (const auto* text = value.if_string()) return std::string(text->data(), text->size());
    if (problem.empty()) problem = "the id is neither a whole number nor a string";
    return std::int64_t{0};
}

Verb read_verb(Fields& in, const std::string& path) {
    const std::string word = in.text("verb");
    for (const Verb verb : {Verb::Start, Verb::Stop, Verb::Restart, Verb::Reload}) {
        if (word == to_string(verb)) return verb;
    }
    if (in.problem().empty()) in.problem() = path + ".verb is none that this client knows";
    return Verb::Start;
}

Touches read_touches(const json::value& params, std::string& problem) {
    Fields in(params, "params", problem);
    Touches touches;
    if (const json::value* id = in.take("request")) touches.request = read_id(*id, problem);
    touches.verb = read_verb(in, "params");
    touches.services =
        in.list<Touch>("services", [&](const json::value& item, const std::string& path) {
            Fields one(item, path, problem);
            std::string service = one.text("service");
            const Verb verb = read_verb(one, path);
            return Touch{std::move(service), verb, one.text("cause")};
        });
    return touches;
}

Failure read_failure(const json::value& value, std::string& problem) {
    Fields in(value, "error", problem);
    Failure failure;
    failure.code = static_cast<ErrorCode>(in.number("code", -40'000, 255));
    failure.message = in.text("message");
    if (!in.known("data")) return failure;
    Fields data(*in.take("data"), "error.data", problem);
    if (data.known("services")) failure.services = data.texts("services");
    if (data.known("nearest")) failure.nearest = data.text("nearest");
    return failure;
}

template <typename T>
std::variant<Reply<T>, Touches> read_answer(const json::value& message, std::string& problem) {
    Fields in(message, "the answer", problem);
    if (in.text("jsonrpc") != "2.0" && problem.empty()) problem = "the answer is no JSON-RPC 2.0";
    if (in.has("method")) {
        // Of a notification that this client does not know, nothing is touched.
        if (in.text("method") != "touches") return Touches{};
        const json::value* params = in.take("params");
        return params != nullptr ? read_touches(*params, problem) : Touches{};
    }
    Reply<T> reply;
    if (in.known("id")) reply.id = read_id(*in.take("id"), problem);
    if (in.has("error")) {
        if (const json::value* failed = in.take("error")) {
            reply.body = read_failure(*failed, problem);
        }
    } else if (const json::value* result = in.take("result")) {
        reply.body = read<T>(*result, problem);
    }
    return reply;
}

}  // namespace

template <typename T>
Result<std::variant<Reply<T>, Touches>> parse_answer(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    const Result<json::value> message = parse_json(line, answer_nesting);
    if (!message) return message.error();
    std::string problem;
    auto answer = read_answer<T>(*message, problem);
    if (!problem.empty()) return error(std::move(problem));
    return answer;
}

template Result<std::variant<Reply<Welcome>, Touches>> parse_answer(std::string_view);
template Result<std::variant<Reply<StatusDocument>, Touches>> parse_answer(std::string_view);
template Result<std::variant<Reply<Outcome>, Touches>> parse_answer(std::string_view);
template Result<std::variant<Reply<Accepted>, Touches>> parse_answer(std::string_view);
template Result<std::variant<Reply<VersionInfo>, Touches>> parse_answer(std::string_view);

}  // namespace reeve::protocol
