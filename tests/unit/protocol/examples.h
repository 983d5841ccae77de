#pragma once

#include <csignal>
#include <string>
#include <vector>

#include "ctl/protocol/message.h"
#include "ctl/protocol/timestamp.h"

/// At least one of everything that goes over the wire, with all its members in use.
namespace reeve::protocol {

inline std::vector<Call> every_call() {
    return {
        Hello{"reevectl 0.1.0", 1},
        StatusQuery{{"web", "db*", "@all"}, true, true},
        StatusQuery{},
        Command{Verb::Start, {"web"}, true, std::nullopt},
        Command{Verb::Stop, {"*"}, false, 1500ms},
        Command{Verb::Restart, {"w\xc3\xa9"}, true, 0ms},
        Command{Verb::Reload, {"a", "b"}, true, 1h},
        Rehearse{Verb::Restart, {"db"}},
        Kill{{"web", "@shop"}, SIGUSR2, true},
        Kill{{"web"}, SIGRTMIN + 3, false},
        ResetFailed{{"*"}},
        Enable{{"web"}, true},
        Enable{{"web", "db"}, false},
        WaitFor{{"web"}, Until::Ready, std::nullopt},
        WaitFor{{"web"}, Until::Stopped, 1ns},
        WaitFor{{"web"}, Until::Failed, 1s},
        WaitFor{{"web"}, Until::Done, 1s},
        DiffQuery{},
        Apply{true, std::nullopt},
        Apply{false, 90s},
        DefinitionQuery{{"web"}},
        DefinitionQuery{},
        WhyQuery{"web@1"},
        FailuresQuery{{"web"}},
        FailuresQuery{},
        RunsQuery{{"web"}, -1},
        RunsQuery{},
        EventsQuery{20},
        EventsQuery{},
        Subscribe{100},
        Subscribe{},
        Reopen{},
        Shutdown{},
        Upgrade{},
        Upgrade{"/usr/local/sbin/reeved"},
        VersionQuery{},
    };
}

inline WallTime a_moment() { return *parse_rfc3339("2026-11-21T00:40:00.123Z"); }

inline LastExit a_crash() { return {ExitStatus::killed(SIGSEGV, true), a_moment(), 120ms}; }

inline ServiceStatus full_service() {
    ServiceStatus web;
    web.name = "web@1";
    web.description = "the shop's \"front\" end\t\xe2\x82\xac";
    web.type = "simple";
    web.state = State::Running;
    web.cause = "ready";
    web.ready = true;
    web.groups = {"shop", "http"};
    web.pid = 1234;
    web.since = a_moment();
    web.uptime = 1500ms;
    web.restarts = 3;
    web.last_exit = a_crash();
    web.status_text = "Processed 42 jobs";
    web.unhealthy = "no answer within 3 s";
    web.memory = 34u << 20;
    web.cpu = 250us;
    web.tasks = 5;
    web.tracking = Tracking{"subreaper", std::nullopt, "cgroups of version 2 are not mounted"};
    web.log = LogTrouble{"No space left on device", a_moment(), false, 1234, 5};
    web.processes = {{1234, 1, "web --port 80", "S"}, {1235, 1234, "worker", "R"}};
    return web;
}

inline StatusDocument document() {
    ServiceStatus db;
    db.name = "db";
    db.type = "simple";
    db.state = State::Failed;
    db.enabled = false;
    db.last_exit = LastExit{ExitStatus::unknown(), std::nullopt, std::nullopt};
    return {{"0.1.0", 1, true, 61s, "/run/reeve", {"/etc/reeve/reeve.yaml"}}, {full_service(), db}};
}

inline Outcome outcome() {
    return {{{"web", std::nullopt, State::Running, "ready", 12, true},
             {"db", ErrorCode::NotRunning, State::Stopped, "it is not up", std::nullopt, false}},
            {"cache"}};
}

inline std::vector<Step> every_step() {
    return {{"web", Step::Kind::Stop, "requires db"},
            {"db", Step::Kind::Start, "asked for"},
            {"cache", Step::Kind::Reload, "its own \"settings\""},
            {"old", Step::Kind::Remove, "no longer in the configuration"}};
}

/// One of each kind that a value can be of.
inline config::Literal every_literal() {
    using config::Literal;
    return {Literal::Map{
        {"z", {nullptr}},
        {"a", {true}},
        {"port", {std::int64_t{-8080}}},
        {"most", {std::numeric_limits<std::int64_t>::max()}},
        {"factor", {2.0}},
        {"tenth", {0.1}},
        {"tiny", {1e-300}},
        {"text", {"a \"b\"\n$$HOME"}},
        {"", {Literal::List{}}},
        {"command", {Literal::List{{"web"}, {std::int64_t{1}}, {Literal::List{}}, {nullptr}}}},
        {"map", {Literal::Map{{"x", {Literal::Map{}}}}}},
    }};
}

inline ConfigurationDiff a_diff() {
    ConfigurationDiff diff;
    diff.problems = {{config::Severity::Warning,
                      {"/etc/reeve/reeve.yaml", 3, 7},
                      "services.web.wants",
                      "no service is named \"cash\"",
                      "did you mean \"cache\"?"}};
    diff.services = {
        {"cron", DefinitionChange::Effect::Live, {{"description", {nullptr}, {"runs jobs"}}}},
        {"new", DefinitionChange::Effect::Added, {}},
        {"old", DefinitionChange::Effect::Removed, {}},
        {"web",
         DefinitionChange::Effect::Restart,
         {{"command", {config::Literal::List{{"web"}}}, every_literal()},
          {"backoff.factor", {2.5}, {nullptr}}}},
    };
    diff.supervisor = {{"log.level", {"info"}, {"debug"}}, {"socket.mode", {nullptr}, {"0660"}}};
    diff.not_live = {"socket.mode"};
    diff.steps = every_step();
    return diff;
}

inline Link a_link(std::string service, State state) {
    Link link;
    link.service = std::move(service);
    link.state = state;
    return link;
}

inline Explanation an_explanation() {
    Explanation explanation;
    explanation.link = a_link("web", State::Waiting);
    explanation.link.cause = "waits for db and cache";
    explanation.wanted = true;
    explanation.enabled = false;
    explanation.waiting = {"proxy"};
    explanation.dependents = {"proxy", "shop"};
    Link db = a_link("db", State::Backoff);
    db.relation = "requires";
    db.cause = "killed by SIGSEGV (core dumped) after 120 ms";
    db.since = a_moment();
    db.next_start = 800ms;
    db.last_exit = a_crash();
    Link cache = a_link("cache", State::Starting);
    cache.relation = "after";
    cache.deadline = 42s;
    cache.because = {db};
    explanation.link.because = {db, cache};
    return explanation;
}

/// An explanation whose chain has so many links, the root one among them.
inline Explanation a_chain(std::size_t links) {
    Explanation explanation;
    Link link = a_link("service-" + std::to_string(links), State::Failed);
    link.last_exit = a_crash();
    while (--links > 0) {
        Link above = a_link("service-" + std::to_string(links), State::Waiting);
        above.because.push_back(std::move(link));
        link = std::move(above);
    }
    explanation.link = std::move(link);
    return explanation;
}

inline Failures failures() {
    FailureRecord crash;
    crash.service = "web";
    crash.cause = "killed by SIGKILL after 3 s";
    crash.signal = SIGKILL;
    crash.started = a_moment() - 3s;
    crash.at = a_moment();
    crash.ran = 3s;
    crash.cpu_user = 1250ms;
    crash.cpu_system = 90us;
    crash.max_rss = std::uint64_t{3} << 30;
    crash.out_of_memory = true;
    FailureRecord exit;
    exit.service = "web";
    exit.code = 1;
    exit.core = true;
    exit.out_of_memory = false;
    exit.lines = {"cannot bind\tport 80", ""};
    FailureRecord never_ran;
    never_ran.service = "db";
    never_ran.cause = "cannot start db: chdir /srv/db: No such file or directory";
    FailureRecord unseen = exit;
    unseen.at = a_moment();
    unseen.unseen = true;
    return {{crash, exit, never_ran, unseen}};
}

inline Runs runs() {
    RunRecord crashed{"web", -1, 1234, a_moment() - 3s + 1ns, a_moment(), {}, SIGSEGV, true};
    RunRecord never_ran{"web", 0, {}, a_moment() + 1s, a_moment() + 1s, {}, {}, false};
    RunRecord present{"x", 0, 1235, a_moment(), {}, {}, {}, false};
    return {{crashed, never_ran, present}};
}

inline Event an_event(std::uint64_t seq, Event::Kind kind) {
    Event event;
    event.seq = seq;
    event.time = a_moment();
    event.kind = kind;
    return event;
}

inline std::vector<Event> every_event() {
    Event snapshot = an_event(7, Event::Kind::Snapshot);
    snapshot.service = "web";
    snapshot.to = State::Running;
    snapshot.cause = "ready";
    snapshot.pid = 1234;
    Event change = an_event(8, Event::Kind::State);
    change.service = "web";
    change.from = State::Running;
    change.to = State::Failed;
    change.cause = "exit 1";
    Event added = an_event(9, Event::Kind::State);
    added.service = "new";
    added.cause = "added";
    Event configuration = an_event(10, Event::Kind::Configuration);
    configuration.cause = "read again: 1 service restarted";
    Event shutdown = an_event(11, Event::Kind::Shutdown);
    shutdown.cause = "SIGTERM";
    Event lost = an_event(11, Event::Kind::Lost);
    lost.missed = 5000;
    Event removed = an_event(10, Event::Kind::Removed);
    removed.service = "web";
    return {snapshot, change, added, removed, configuration, shutdown, lost};
}

inline Touches touches() {
    return {std::int64_t{2},
            Verb::Restart,
            {{"web", Verb::Restart, "requires db"}, {"x", Verb::Stop, ""}}};
}

/// Calls `see` with every kind of result.
template <typename See>
void with_every_result(const See& see) {
    ConfigurationDiff invalid;
    invalid.valid = false;
    invalid.problems = {{config::Severity::Error, {"reeve.yaml", 0, 0}, "", "cannot be read", ""}};
    see(Welcome{1, "0.1.0", 77, "/run/reeve", "/var/log/reeve"});
    see(document());
    see(outcome());
    see(Accepted{});
    see(VersionInfo{"0.1.0", 1});
    see(Upgraded{"0.1.0", "0.2.0", 77});
    see(Rehearsal{every_step(), outcome()});
    see(a_diff());
    see(invalid);
    see(Applied{a_diff(), outcome()});
    see(Definitions{{{"web", every_literal()}, {"db", {config::Literal::Map{}}}}});
    see(an_explanation());
    see(a_chain(max_chain));
    see(failures());
    see(runs());
    see(EventList{every_event()});
}

}  // namespace reeve::protocol
