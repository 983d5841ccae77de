#include "ctl/protocol/notice_json.h"

#include <algorithm>

#include "ctl/protocol/status_json.h"
#include "ctl/protocol/words.h"

namespace reeve::protocol {

namespace json = boost::json;

void write(JsonWriter& out, const Id& id) {
    std::visit([&](const auto& value) { out.value(value); }, id);
}

std::optional<Id> read_id(const json::value& value) {
    if (const auto* number = value.if_int64()) return Id(*number);
    if (const auto* text = value.if_string()) return Id(std::string(text->data(), text->size()));
    return std::nullopt;
}

void write(JsonWriter& out, const Touch& touch) {
    out.begin_object();
    out.field("service", touch.service);
    out.field("verb", to_string(touch.verb));
    out.field("cause", touch.cause);
    out.end_object();
}

template <>
Touch read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.text("service"), in.word<Verb>("verb", verb_words), in.text("cause")};
}

void write(JsonWriter& out, const Touches& touches) {
    out.begin_object();
    out.part("request", touches.request);
    out.field("verb", to_string(touches.verb));
    out.list("services", touches.services);
    out.end_object();
}

template <>
Touches read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    Touches touches;
    if (const json::value* request = in.take("request")) {
        const std::optional<Id> id = read_id(*request);
        if (!id) in.expected("request", "a whole number or a string");
        touches.request = id.value_or(Id());
    }
    touches.verb = in.word<Verb>("verb", verb_words);
    touches.services = in.list<Touch>("services");
    return touches;
}

void write(JsonWriter& out, const Event& event) {
    out.begin_object();
    out.field("seq", event.seq);
    out.field("time", event.time);
    out.field("event", to_string(event.kind));
    switch (event.kind) {
        case Event::Kind::Snapshot:
        case Event::Kind::State:
            out.field("service", event.service);
            out.key("from");
            event.from ? out.value(to_string(*event.from)) : out.value(nullptr);
            out.field("to", to_string(event.to));
            out.field("cause", event.cause);
            out.field("pid", event.pid);
            break;
        case Event::Kind::Removed:
            out.field("service", event.service);
            break;
        case Event::Kind::Configuration:
        case Event::Kind::Shutdown:
            out.field("cause", event.cause);
            break;
        case Event::Kind::Lost:
            out.field("missed", event.missed);
            break;
    }
    out.end_object();
}

namespace {

State read_state(Fields& in, std::string_view name) { return in.word<State>(name, state_words); }

}  // namespace

template <>
std::optional<Event> read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    const std::string kind = in.text("event");
    const auto known = std::find(event_words.begin(), event_words.end(), kind);
    if (known == event_words.end()) return std::nullopt;
    Event event;
    event.kind = static_cast<Event::Kind>(known - event_words.begin());
    event.seq = in.count("seq");
    event.time = in.moment("time");
    switch (event.kind) {
        case Event::Kind::Snapshot:
        case Event::Kind::State:
            event.service = in.text("service");
            event.from = in.maybe("from", read_state);
            event.to = read_state(in, "to");
            event.cause = in.text("cause");
            event.pid = in.maybe("pid", read_pid);
            break;
        case Event::Kind::Removed:
            event.service = in.text("service");
            break;
        case Event::Kind::Configuration:
        case Event::Kind::Shutdown:
            event.cause = in.text("cause");
            break;
        case Event::Kind::Lost:
            event.missed = in.count("missed");
            break;
    }
    return event;
}

void write(JsonWriter& out, const EventList& list) {
    out.begin_object();
    out.list("events", list.events);
    out.end_object();
}

template <>
EventList read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    EventList list;
    for (std::optional<Event>& event : in.list<std::optional<Event>>("events")) {
        if (event) list.events.push_back(std::move(*event));
    }
    return list;
}

}  // namespace reeve::protocol
