#include <boost/json/object.hpp>

#include "ctl/protocol/configuration_json.h"
#include "ctl/protocol/json_text.h"
#include "ctl/protocol/message.h"
#include "ctl/protocol/notice_json.h"
#include "ctl/protocol/result_json.h"
#include "ctl/protocol/status_json.h"
#include "ctl/protocol/why_json.h"

namespace reeve::protocol {

namespace {

namespace json = boost::json;

/// Who is asked is trusted more than who asks; this only keeps the stack in bounds. The deepest
/// answers are chains, with an object and a list for each link; definitions are as deep as a
/// configuration file may be, which is less.
constexpr std::size_t answer_nesting = 2 * max_chain + 16;

template <typename T>
std::string encode(const std::optional<Id>& id, std::string_view kind, const T& body) {
    JsonWriter out;
    out.begin_object();
    out.field("jsonrpc", "2.0");
    out.part("id", id);
    out.part(kind, body);
    out.end_object();
    return out.take() + '\n';
}

template <typename T>
std::string encode_notice(std::string_view method, const T& params) {
    JsonWriter out;
    out.begin_object();
    out.field("jsonrpc", "2.0");
    out.field("method", method);
    out.part("params", params);
    out.end_object();
    return out.take() + '\n';
}

template <typename T>
std::string text_with_lines(const T& body) {
    JsonWriter out;
    write_with_lines(out, body);
    return out.take();
}

template <typename T>
std::string text_of(const T& body) {
    JsonWriter out;
    write(out, body);
    return out.take();
}

template <typename T>
Answer<T> read_notice(Fields& message) {
    const std::string method = message.text("method");
    if (method == "touches") return message.part<Touches>("params");
    if (method != "event") return UnknownNotice{};
    std::optional<Event> event = message.part<std::optional<Event>>("params");
    if (!event) return UnknownNotice{};
    return std::move(*event);
}

template <typename T>
Answer<T> read_answer(const json::value& value, std::string& problem) {
    Fields message(value, "the answer", problem);
    if (message.text("jsonrpc") != "2.0") message.expected("jsonrpc", "\"2.0\"");
    if (message.has("method")) return read_notice<T>(message);
    Reply<T> reply;
    if (message.known("id")) {
        reply.id = read_id(*message.take("id"));
        if (!reply.id) message.expected("id", "a whole number or a string");
    }
    if (message.has("error")) {
        reply.body = message.part<Failure>("error");
    } else {
        reply.body = message.part<T>("result");
    }
    return reply;
}

}  // namespace

std::string encode_result(const Id& id, const Welcome& welcome) {
    return encode(id, "result", welcome);
}
std::string encode_result(const Id& id, const StatusDocument& document) {
    return encode(id, "result", document);
}
std::string encode_result(const Id& id, const Outcome& outcome) {
    return encode(id, "result", outcome);
}
std::string encode_result(const Id& id, const Accepted& accepted) {
    return encode(id, "result", accepted);
}
std::string encode_result(const Id& id, const Upgraded& upgraded) {
    return encode(id, "result", upgraded);
}
std::string encode_result(const Id& id, const VersionInfo& version) {
    return encode(id, "result", version);
}
std::string encode_result(const Id& id, const Rehearsal& rehearsal) {
    return encode(id, "result", rehearsal);
}
std::string encode_result(const Id& id, const ConfigurationDiff& diff) {
    return encode(id, "result", diff);
}
std::string encode_result(const Id& id, const Applied& applied) {
    return encode(id, "result", applied);
}
std::string encode_result(const Id& id, const Definitions& definitions) {
    return encode(id, "result", definitions);
}
std::string encode_result(const Id& id, const Explanation& explanation) {
    return encode(id, "result", explanation);
}
std::string encode_result(const Id& id, const Failures& failures) {
    return encode(id, "result", failures);
}
std::string encode_result(const Id& id, const Runs& runs) { return encode(id, "result", runs); }
std::string encode_result(const Id& id, const EventList& events) {
    return encode(id, "result", events);
}

std::string encode_error(const std::optional<Id>& id, const Failure& failure) {
    return encode(id, "error", failure);
}

std::string encode_touches(const Touches& touches) { return encode_notice("touches", touches); }

std::string encode_event(const Event& event) { return encode_notice("event", event); }

template <typename T>
Result<Answer<T>> parse_answer(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    const Result<json::value> message = parse_json(line, answer_nesting);
    if (!message) return message.error();
    std::string problem;
    Answer<T> answer = read_answer<T>(*message, problem);
    if (!problem.empty()) return error(std::move(problem));
    return answer;
}

template Result<Answer<Welcome>> parse_answer(std::string_view);
template Result<Answer<StatusDocument>> parse_answer(std::string_view);
template Result<Answer<Outcome>> parse_answer(std::string_view);
template Result<Answer<Accepted>> parse_answer(std::string_view);
template Result<Answer<Upgraded>> parse_answer(std::string_view);
template Result<Answer<VersionInfo>> parse_answer(std::string_view);
template Result<Answer<Rehearsal>> parse_answer(std::string_view);
template Result<Answer<ConfigurationDiff>> parse_answer(std::string_view);
template Result<Answer<Applied>> parse_answer(std::string_view);
template Result<Answer<Definitions>> parse_answer(std::string_view);
template Result<Answer<Explanation>> parse_answer(std::string_view);
template Result<Answer<Failures>> parse_answer(std::string_view);
template Result<Answer<Runs>> parse_answer(std::string_view);
template Result<Answer<EventList>> parse_answer(std::string_view);

std::string to_json(const StatusDocument& document) { return text_of(document); }
std::string to_json(const Outcome& outcome) { return text_of(outcome); }
std::string to_json(const Rehearsal& rehearsal) { return text_of(rehearsal); }
std::string to_json(const ConfigurationDiff& diff) { return text_of(diff); }
std::string to_json(const Applied& applied) { return text_of(applied); }
std::string to_json(const Definitions& definitions) { return text_of(definitions); }
std::string to_json(const Explanation& explanation) { return text_with_lines(explanation); }
std::string to_json(const Failures& failures) { return text_with_lines(failures); }
std::string to_json(const Upgraded& upgraded) { return text_of(upgraded); }
std::string to_json(const Event& event) { return text_of(event); }

}  // namespace reeve::protocol
