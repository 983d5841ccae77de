#include "ctl/protocol/configuration_json.h"

#include <boost/json/object.hpp>

#include "base/overloaded.h"
#include "ctl/protocol/result_json.h"
#include "ctl/protocol/words.h"

namespace reeve::protocol {

namespace json = boost::json;

using config::Literal;
using config::Problem;

namespace {

void write(JsonWriter& out, const Literal::Map& map) {
    out.begin_object();
    for (const auto& [key, content] : map) out.part(key, content);
    out.end_object();
}

Literal::Map read_map(const json::object& object) {
    Literal::Map map;
    map.reserve(object.size());
    std::string no_problem;
    for (const json::key_value_pair& member : object) {
        map.emplace_back(std::string(member.key().data(), member.key().size()),
                         read<Literal>(member.value(), {}, no_problem));
    }
    return map;
}

}  // namespace

void write(JsonWriter& out, const Literal& literal) {
    std::visit(Overloaded{[&](const Literal::List& list) {
                              out.begin_array();
                              for (const Literal& item : list) write(out, item);
                              out.end_array();
                          },
                          [&](const Literal::Map& map) { write(out, map); },
                          [&](const auto& scalar) { out.value(scalar); }},
               literal.value);
}

template <>
Literal read(const json::value& value, const std::string&, std::string& problem) {
    switch (value.kind()) {
        case json::kind::null:
            return {nullptr};
        case json::kind::bool_:
            return {value.get_bool()};
        case json::kind::int64:
            return {value.get_int64()};
        case json::kind::uint64:
            return {static_cast<double>(value.get_uint64())};
        case json::kind::double_:
            return {value.get_double()};
        case json::kind::string:
            return {std::string(value.get_string().data(), value.get_string().size())};
        case json::kind::array: {
            Literal::List list;
            for (const json::value& item : value.get_array()) {
                list.push_back(read<Literal>(item, {}, problem));
            }
            return {std::move(list)};
        }
        case json::kind::object:
            return {read_map(value.get_object())};
    }
    return {};
}

void write(JsonWriter& out, const Problem& found) {
    out.begin_object();
    out.field("severity", severity_words[static_cast<std::size_t>(found.severity)]);
    out.field("file", found.position.file);
    out.field("line", found.position.line);
    out.field("column", found.position.column);
    out.field("path", found.path);
    out.field("what", found.what);
    out.field("what_to_do", found.what_to_do);
    out.end_object();
}

template <>
Problem read(const json::value& value, const std::string& path, std::string& problem) {
    constexpr int most = std::numeric_limits<int>::max();
    Fields in(value, path, problem);
    return {in.word<config::Severity>("severity", severity_words),
            {in.text("file"), in.integer("line", 0, most), in.integer("column", 0, most)},
            in.text("path"),
            in.text("what"),
            in.text("what_to_do")};
}

void write(JsonWriter& out, const KeyChange& change) {
    out.begin_object();
    out.field("key", change.key);
    out.part("from", change.from);
    out.part("to", change.to);
    out.end_object();
}

template <>
KeyChange read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.text("key"), in.part<Literal>("from"), in.part<Literal>("to")};
}

void write(JsonWriter& out, const DefinitionChange& change) {
    out.begin_object();
    out.field("service", change.service);
    out.field("change", to_string(change.effect));
    out.list("keys", change.keys);
    out.end_object();
}

template <>
DefinitionChange read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.text("service"), in.word<DefinitionChange::Effect>("change", effect_words),
            in.list<KeyChange>("keys")};
}

namespace {

void write_members(JsonWriter& out, const ConfigurationDiff& diff) {
    out.field("valid", diff.valid);
    out.list("problems", diff.problems);
    out.list("services", diff.services);
    out.list("supervisor", diff.supervisor);
    out.field("not_live", diff.not_live);
    out.list("steps", diff.steps);
}

}  // namespace

void write(JsonWriter& out, const ConfigurationDiff& diff) {
    out.begin_object();
    write_members(out, diff);
    out.end_object();
}

template <>
ConfigurationDiff read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.truth("valid"),
            in.list<Problem>("problems"),
            in.list<DefinitionChange>("services"),
            in.list<KeyChange>("supervisor"),
            in.texts("not_live"),
            in.list<Step>("steps")};
}

void write(JsonWriter& out, const Applied& applied) {
    out.begin_object();
    write_members(out, applied.diff);
    write_members(out, applied.outcome);
    out.end_object();
}

template <>
Applied read(const json::value& value, const std::string& path, std::string& problem) {
    return {read<ConfigurationDiff>(value, path, problem), read<Outcome>(value, path, problem)};
}

void write(JsonWriter& out, const Definitions& definitions) {
    out.begin_object();
    out.key("services");
    write(out, definitions.services);
    out.end_object();
}

template <>
Definitions read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    const json::value* services = in.take("services");
    if (services == nullptr) return {};
    if (const json::object* object = services->if_object()) return {read_map(*object)};
    in.expected("services", "an object");
    return {};
}

}  // namespace reeve::protocol
