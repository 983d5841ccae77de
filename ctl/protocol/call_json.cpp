#include "ctl/protocol/call_json.h"

#include <algorithm>

#include "base/overloaded.h"
#include "base/signal_name.h"
#include "ctl/protocol/words.h"

namespace reeve::protocol {

namespace {

namespace json = boost::json;

/// A command that would be for nobody is a mistake; for all is "*".
std::vector<std::string> somebody(Fields& in) {
    std::vector<std::string> names = in.texts("names");
    if (names.empty()) in.expected("names", "a list of at least one name");
    return names;
}

std::vector<std::string> anybody(Fields& in) {
    return in.has("names") ? in.texts("names") : std::vector<std::string>();
}

bool truth(Fields& in, std::string_view name, bool otherwise) {
    return in.has(name) ? in.truth(name) : otherwise;
}

Call read_hello(Fields& in) {
    in.only({"client", "protocol"});
    return Hello{in.text("client"), in.integer("protocol", 0, 1'000'000)};
}

void write_params(JsonWriter& out, const Hello& hello) {
    out.field("client", hello.client);
    out.field("protocol", hello.protocol);
}

Call read_status(Fields& in) {
    in.only({"names", "resources", "processes"});
    return StatusQuery{anybody(in), truth(in, "resources", false), truth(in, "processes", false)};
}

void write_params(JsonWriter& out, const StatusQuery& query) {
    out.field("names", query.names);
    out.field("resources", query.resources);
    out.field("processes", query.processes);
}

template <Verb verb>
Call read_command(Fields& in) {
    in.only({"names", "wait", "timeout"});
    return Command{verb, somebody(in), truth(in, "wait", true),
                   in.maybe("timeout", &Fields::seconds)};
}

void write_params(JsonWriter& out, const Command& command) {
    out.field("names", command.names);
    out.field("wait", command.wait);
    out.field("timeout", command.timeout);
}

Call read_rehearse(Fields& in) {
    in.only({"verb", "names"});
    return Rehearse{in.word<Verb>("verb", verb_words), somebody(in)};
}

void write_params(JsonWriter& out, const Rehearse& rehearse) {
    out.field("verb", to_string(rehearse.verb));
    out.field("names", rehearse.names);
}

/// By its name, with or without SIG, or by its number.
int read_signal(Fields& in) {
    if (!in.has("signal")) return SIGTERM;
    const json::value& given = *in.take("signal");
    std::optional<int> signal;
    if (const auto* number = given.if_int64()) {
        signal = signal_number(std::to_string(*number));
    } else if (const auto* text = given.if_string()) {
        signal = signal_number({text->data(), text->size()});
    }
    if (!signal) in.expected("signal", "the name or number of a signal");
    return signal.value_or(SIGTERM);
}

Call read_kill(Fields& in) {
    in.only({"names", "signal", "tree"});
    return Kill{somebody(in), read_signal(in), truth(in, "tree", false)};
}

void write_params(JsonWriter& out, const Kill& kill) {
    out.field("names", kill.names);
    out.field("signal", signal_name(kill.signal));
    out.field("tree", kill.tree);
}

Call read_reset_failed(Fields& in) {
    in.only({"names"});
    return ResetFailed{somebody(in)};
}

void write_params(JsonWriter& out, const ResetFailed& reset) { out.field("names", reset.names); }

template <bool enabled>
Call read_enable(Fields& in) {
    in.only({"names"});
    return Enable{somebody(in), enabled};
}

void write_params(JsonWriter& out, const Enable& enable) { out.field("names", enable.names); }

Call read_wait(Fields& in) {
    in.only({"names", "for", "timeout"});
    WaitFor wait;
    wait.names = somebody(in);
    if (in.has("for")) wait.until = in.word<Until>("for", until_words);
    wait.timeout = in.maybe("timeout", &Fields::seconds);
    return wait;
}

void write_params(JsonWriter& out, const WaitFor& wait) {
    out.field("names", wait.names);
    out.field("for", to_string(wait.until));
    out.field("timeout", wait.timeout);
}

Call read_apply(Fields& in) {
    in.only({"wait", "timeout"});
    return Apply{truth(in, "wait", true), in.maybe("timeout", &Fields::seconds)};
}

void write_params(JsonWriter& out, const Apply& apply) {
    out.field("wait", apply.wait);
    out.field("timeout", apply.timeout);
}

template <typename Query>
Call read_names(Fields& in) {
    in.only({"names"});
    return Query{anybody(in)};
}

void write_params(JsonWriter& out, const DefinitionQuery& query) {
    out.field("names", query.names);
}

void write_params(JsonWriter& out, const FailuresQuery& query) { out.field("names", query.names); }

Call read_why(Fields& in) {
    in.only({"name"});
    return WhyQuery{in.text("name")};
}

void write_params(JsonWriter& out, const WhyQuery& query) { out.field("name", query.name); }

Call read_runs(Fields& in) {
    in.only({"names", "run"});
    std::optional<int> run;
    if (in.known("run")) run = in.integer("run", -1'000'000, 0);
    return RunsQuery{anybody(in), run};
}

void write_params(JsonWriter& out, const RunsQuery& query) {
    out.field("names", query.names);
    out.field("run", query.run);
}

Call read_events(Fields& in) {
    in.only({"limit"});
    return EventsQuery{in.maybe("limit", &Fields::count)};
}

void write_params(JsonWriter& out, const EventsQuery& query) { out.field("limit", query.limit); }

Call read_subscribe(Fields& in) {
    in.only({"history"});
    return Subscribe{in.has("history") ? in.count("history") : 0};
}

void write_params(JsonWriter& out, const Subscribe& subscribe) {
    out.field("history", subscribe.history);
}

Call read_upgrade(Fields& in) {
    in.only({"path"});
    return Upgrade{in.maybe("path", &Fields::text)};
}

void write_params(JsonWriter& out, const Upgrade& upgrade) { out.field("path", upgrade.path); }

template <typename T>
Call read_nothing(Fields& in) {
    in.only({});
    return T{};
}

void write_params(JsonWriter&, const DiffQuery&) {}
void write_params(JsonWriter&, const Reopen&) {}
void write_params(JsonWriter&, const Shutdown&) {}
void write_params(JsonWriter&, const VersionQuery&) {}

struct Method {
    std::string_view name;
    ReadCall read;
};

constexpr std::array methods = {
    Method{"hello", read_hello},
    Method{"status", read_status},
    Method{"start", read_command<Verb::Start>},
    Method{"stop", read_command<Verb::Stop>},
    Method{"restart", read_command<Verb::Restart>},
    Method{"reload", read_command<Verb::Reload>},
    Method{"rehearse", read_rehearse},
    Method{"kill", read_kill},
    Method{"reset-failed", read_reset_failed},
    Method{"enable", read_enable<true>},
    Method{"disable", read_enable<false>},
    Method{"wait", read_wait},
    Method{"diff", read_nothing<DiffQuery>},
    Method{"apply", read_apply},
    Method{"definition", read_names<DefinitionQuery>},
    Method{"why", read_why},
    Method{"failures", read_names<FailuresQuery>},
    Method{"runs", read_runs},
    Method{"events", read_events},
    Method{"subscribe", read_subscribe},
    Method{"reopen", read_nothing<Reopen>},
    Method{"shutdown", read_nothing<Shutdown>},
    Method{"upgrade", read_upgrade},
    Method{"version", read_nothing<VersionQuery>},
};

}  // namespace

ReadCall reader_of(std::string_view method) {
    const auto found = std::find_if(methods.begin(), methods.end(),
                                    [&](const Method& m) { return m.name == method; });
    return found != methods.end() ? found->read : nullptr;
}

std::vector<std::string_view> all_methods() {
    std::vector<std::string_view> names;
    for (const Method& method : methods) names.push_back(method.name);
    return names;
}

std::string_view method_of(const Call& call) {
    using Name = std::string_view;
    return std::visit(Overloaded{
                          [](const Hello&) -> Name { return "hello"; },
                          [](const StatusQuery&) -> Name { return "status"; },
                          [](const Command& command) { return to_string(command.verb); },
                          [](const Rehearse&) -> Name { return "rehearse"; },
                          [](const Kill&) -> Name { return "kill"; },
                          [](const ResetFailed&) -> Name { return "reset-failed"; },
                          [](const Enable& e) -> Name { return e.enabled ? "enable" : "disable"; },
                          [](const WaitFor&) -> Name { return "wait"; },
                          [](const DiffQuery&) -> Name { return "diff"; },
                          [](const Apply&) -> Name { return "apply"; },
                          [](const DefinitionQuery&) -> Name { return "definition"; },
                          [](const WhyQuery&) -> Name { return "why"; },
                          [](const FailuresQuery&) -> Name { return "failures"; },
                          [](const RunsQuery&) -> Name { return "runs"; },
                          [](const EventsQuery&) -> Name { return "events"; },
                          [](const Subscribe&) -> Name { return "subscribe"; },
                          [](const Reopen&) -> Name { return "reopen"; },
                          [](const Shutdown&) -> Name { return "shutdown"; },
                          [](const Upgrade&) -> Name { return "upgrade"; },
                          [](const VersionQuery&) -> Name { return "version"; },
                      },
                      call);
}

void write(JsonWriter& out, const Call& call) {
    out.begin_object();
    std::visit([&](const auto& one) { write_params(out, one); }, call);
    out.end_object();
}

}  // namespace reeve::protocol
