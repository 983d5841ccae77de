#include "supervisor/state/codec.h"

#include <boost/json/parser.hpp>
#include <cstdio>

#include "supervisor/state/fields.h"
#include "supervisor/state/handover_fields.h"

namespace reeve::state {

namespace json = boost::json;

namespace {

constexpr std::size_t deepest = 16;

Result<json::value> parse(std::string_view text) {
    json::parse_options options;
    options.max_depth = deepest;
    options.allow_invalid_utf8 = true;
    json::parser parser({}, options);
    json::error_code failed;
    parser.write({text.data(), text.size()}, failed);
    if (failed) return error("it is no JSON text: " + failed.message());
    return parser.release();
}

}  // namespace

void Writer::write(const std::string& text) {
    out_ += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out_ += '\\';
            out_ += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
            out_ += escape;
        } else {
            out_ += c;
        }
    }
    out_ += '"';
}

void Reader::wrong() {
    if (!problem_.empty()) return;
    std::string path;
    for (const Place* place = place_; place != nullptr; place = place->up) {
        if (!path.empty() && path[0] != '[') path.insert(0, ".");
        const bool item = place->name.empty();
        path.insert(0, item ? "[" + std::to_string(place->item) + "]" : std::string(place->name));
    }
    problem_ = path.empty() ? "it cannot be used" : "its " + path + " cannot be used";
}

template <typename T>
std::string encode(const T& value, const NumberOf& number_of) {
    return Writer(number_of).text(value);
}

template <typename T>
Result<T> decode(std::string_view text, const DefinitionOf& definition_of) {
    const auto parsed = parse(text);
    if (!parsed) return parsed.error();
    std::string problem;
    T value = Reader(definition_of, problem).value<T>(*parsed);
    if (!problem.empty()) return error(problem);
    return value;
}

#define REEVE_STATE_RECORD(T)                                        \
    template std::string encode<T>(const T& value, const NumberOf&); \
    template Result<T> decode<T>(std::string_view text, const DefinitionOf&)
REEVE_STATE_RECORD(core::UnitSnapshot);
REEVE_STATE_RECORD(core::Engine::Snapshot);
REEVE_STATE_RECORD(Run);
REEVE_STATE_RECORD(Command);
REEVE_STATE_RECORD(Definition);
REEVE_STATE_RECORD(PlanRecord);
REEVE_STATE_RECORD(Handover);
#undef REEVE_STATE_RECORD

}  // namespace reeve::state
