#include "ctl/protocol/why_json.h"

#include "ctl/protocol/message.h"
#include "ctl/protocol/status_json.h"
#include "ctl/protocol/timestamp.h"
#include "ctl/protocol/words.h"

namespace reeve::protocol {

namespace json = boost::json;

namespace {

/// What is overdue is due now: no time on the wire is negative.
std::optional<Duration> until(std::optional<Duration> left) {
    return left ? std::optional(std::max(*left, Duration::zero())) : std::nullopt;
}

void write_members(JsonWriter& out, const Link& link, bool with_lines, std::size_t depth) {
    out.field("service", link.service);
    out.field("relation", link.relation);
    out.field("state", to_string(link.state));
    out.field("cause", link.cause);
    out.field("since", link.since);
    out.field("next_start", until(link.next_start));
    out.field("deadline", until(link.deadline));
    out.part("last_exit", link.last_exit);
    out.key("because");
    out.begin_array();
    if (depth < max_chain) {
        for (const Link& below : link.because) {
            out.begin_object();
            write_members(out, below, with_lines, depth + 1);
            out.end_object();
        }
    }
    out.end_array();
    if (with_lines && link.because.empty()) out.field("lines", link.lines);
}

void write_explanation(JsonWriter& out, const Explanation& explanation, bool with_lines) {
    out.begin_object();
    write_members(out, explanation.link, with_lines, 1);
    out.field("wanted", explanation.wanted);
    out.field("enabled", explanation.enabled);
    out.field("waiting", explanation.waiting);
    out.field("dependents", explanation.dependents);
    out.part("log", explanation.log);
    out.end_object();
}

void write_record(JsonWriter& out, const FailureRecord& record, bool with_lines) {
    out.begin_object();
    out.field("service", record.service);
    out.field("cause", record.cause);
    write_status(out, {record.code, record.signal, record.core});
    out.field("started", record.started);
    out.field("at", record.at);
    out.field("ran", record.ran);
    out.field("unseen", record.unseen);
    out.field("cpu_user", record.cpu_user);
    out.field("cpu_system", record.cpu_system);
    out.field("max_rss", record.max_rss);
    out.field("out_of_memory", record.out_of_memory);
    if (with_lines || record.lines) out.field("lines", record.lines);
    out.end_object();
}

void write_failures(JsonWriter& out, const Failures& failures, bool with_lines) {
    out.begin_object();
    out.key("failures");
    out.begin_array();
    for (const FailureRecord& record : failures.failures) write_record(out, record, with_lines);
    out.end_array();
    out.end_object();
}

/// As exact as logs are, which are looked up by it.
void write_exactly(JsonWriter& out, std::string_view name, std::optional<WallTime> time) {
    out.key(name);
    time ? out.value(rfc3339_exact(*time)) : out.value(nullptr);
}

void write_run(JsonWriter& out, const RunRecord& record) {
    out.begin_object();
    out.field("service", record.service);
    out.field("run", record.run);
    out.field("pid", record.pid);
    write_exactly(out, "started", record.started);
    write_exactly(out, "ended", record.ended);
    write_status(out, {record.code, record.signal, record.core});
    out.end_object();
}

}  // namespace

template <>
Link read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    Link link;
    link.service = in.text("service");
    link.relation = in.text("relation");
    link.state = in.word<State>("state", state_words);
    link.cause = in.text("cause");
    link.since = in.maybe("since", &Fields::moment);
    link.next_start = in.maybe("next_start", &Fields::seconds);
    link.deadline = in.maybe("deadline", &Fields::seconds);
    link.last_exit = in.maybe("last_exit", &Fields::part<LastExit>);
    link.because = in.list<Link>("because");
    return link;
}

void write(JsonWriter& out, const Explanation& explanation) {
    write_explanation(out, explanation, false);
}

void write_with_lines(JsonWriter& out, const Explanation& explanation) {
    write_explanation(out, explanation, true);
}

template <>
Explanation read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {read<Link>(value, path, problem),
            in.truth("wanted"),
            in.truth("enabled"),
            in.texts("waiting"),
            in.texts("dependents"),
            in.maybe("log", &Fields::part<LogTrouble>)};
}

template <>
FailureRecord read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    FailureRecord record;
    record.service = in.text("service");
    record.cause = in.text("cause");
    const ExitStatus status = read_status(in);
    record.code = status.code;
    record.signal = status.signal;
    record.core = status.core;
    record.started = in.maybe("started", &Fields::moment);
    record.at = in.maybe("at", &Fields::moment);
    record.ran = in.maybe("ran", &Fields::seconds);
    record.unseen = in.maybe("unseen", &Fields::truth).value_or(false);
    record.cpu_user = in.maybe("cpu_user", &Fields::seconds);
    record.cpu_system = in.maybe("cpu_system", &Fields::seconds);
    record.max_rss = in.maybe("max_rss", &Fields::count);
    record.out_of_memory = in.maybe("out_of_memory", &Fields::truth);
    record.lines = in.maybe("lines", &Fields::texts);
    return record;
}

void write(JsonWriter& out, const Failures& failures) { write_failures(out, failures, false); }

void write_with_lines(JsonWriter& out, const Failures& failures) {
    write_failures(out, failures, true);
}

template <>
Failures read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.list<FailureRecord>("failures")};
}

template <>
RunRecord read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    RunRecord record;
    record.service = in.text("service");
    record.run = in.integer("run", std::numeric_limits<int>::min(), 0);
    record.pid = in.maybe("pid", &Fields::count);
    record.started = in.maybe("started", &Fields::moment);
    record.ended = in.maybe("ended", &Fields::moment);
    const ExitStatus status = read_status(in);
    record.code = status.code;
    record.signal = status.signal;
    record.core = status.core;
    return record;
}

void write(JsonWriter& out, const Runs& runs) {
    out.begin_object();
    out.key("runs");
    out.begin_array();
    for (const RunRecord& record : runs.runs) write_run(out, record);
    out.end_array();
    out.end_object();
}

template <>
Runs read(const json::value& value, const std::string& path, std::string& problem) {
    Fields in(value, path, problem);
    return {in.list<RunRecord>("runs")};
}

}  // namespace reeve::protocol
