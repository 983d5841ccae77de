#include <gmock/gmock.h>

#include "ctl/chain.h"
#include "ctl/difference.h"
#include "ctl/event_text.h"
#include "ctl/explanation.h"
#include "ctl/outcome.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "tests/unit/ctl/fixture.h"
#include "tests/unit/ctl/plain_look.h"

namespace reeve::ctl {
namespace {

using protocol::DefinitionChange;
using protocol::Event;
using protocol::State;
using protocol::Step;
using testing::HasSubstr;

const std::string long_name(64, 'n');
const std::string cause = "cannot start: exec /srv/app/bin/mailer: No such file or directory";

/// Checks that no line is wider than a terminal, and that all the words are there. A command that
/// may be typed is never cut, so its line may be as long as it takes.
void expect_fits(const std::function<std::string(const Look&)>& render,
                 const std::vector<std::string>& words) {
    for (const std::size_t width : {40u, 50u, 80u}) {
        const std::string text = render(plain(width));
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = text.find('\n', at);
            const std::string line = text.substr(at, end - at);
            if (line.find("reevectl") == line.npos) {
                EXPECT_LE(columns(line), width) << line;
            }
            EXPECT_EQ(line.find_last_not_of(' ') + 1, line.size()) << "blanks behind: " << line;
            at = end + 1;
        }
        for (const std::string& word : words) EXPECT_THAT(text, HasSubstr(word));
    }
}

Event event(std::string name, std::optional<State> from, State to, std::string why) {
    Event event;
    event.time = now;
    event.kind = Event::Kind::State;
    event.service = std::move(name);
    event.from = from;
    event.to = to;
    event.cause = std::move(why);
    event.pid = 1234;
    return event;
}

TEST(FitsTheTerminal, Events) {
    Event read = event("", {}, State::Stopped, "/etc/reeve/reeve.yaml, read by request of root");
    read.kind = Event::Kind::Configuration;
    Event gone = event(long_name, {}, State::Stopped, "");
    gone.kind = Event::Kind::Removed;
    const std::vector<Event> events = {event("web", State::Reloading, State::Starting, cause),
                                       event("web", {}, State::Running, ""),
                                       event(long_name, State::Starting, State::Failed, cause),
                                       read, gone};
    expect_fits(
        [&](const Look& look) {
            EventText text(look);
            std::string all;
            for (const Event& one : events) all += text.text(one);
            return all;
        },
        {"web", "reloading -> starting", "No such", "directory", "(pid", "of root", "no longer"});
}

protocol::ConfigurationDiff many_changes() {
    protocol::ConfigurationDiff diff;
    const config::Literal list{config::Literal::List(20, config::Literal{std::string("argument")})};
    diff.services = {{long_name, DefinitionChange::Effect::Added, {}},
                     {"web", DefinitionChange::Effect::Restart, {}}};
    for (const char* key : {"command", "environment", "directory", "stop.timeout", "log.keep"}) {
        diff.services[1].keys.push_back({key, {}, list});
    }
    diff.supervisor = {{"log.level", {}, list}};
    diff.not_live = {"log.level"};
    diff.steps = {
        {"web", Step::Kind::Stop, "stopped to be restarted because its definition changed"},
        {long_name, Step::Kind::Start, "started because the configuration changed"}};
    return diff;
}

TEST(FitsTheTerminal, DiffWithItsSteps) {
    expect_fits([](const Look& look) { return render_difference(many_changes(), look); },
                {"log.keep", "(not set)", "argument]", "definition", "configuration"});
}

TEST(FitsTheTerminal, Apply) {
    const protocol::Applied applied{many_changes(),
                                    {{{long_name, {}, State::Running, "", 1234, true},
                                      {"web", {}, State::Running, "", 5, true}},
                                     {long_name}}};
    expect_fits([&](const Look& look) { return render_applied(applied, look); },
                {"(pid 1234)", "restarted (pid 5)", "log.keep", "account"});
}

TEST(FitsTheTerminal, WhatIsDoneToOthers) {
    const protocol::Touches touches{
        {},
        protocol::Verb::Stop,
        {{"web", protocol::Verb::Stop, "stopped because db was stopped by request"},
         {long_name, protocol::Verb::Stop, "stopped because db was stopped by request"}}};
    expect_fits([&](const Look& look) { return render_touches(touches, look); },
                {"also stopping: web", "by", "request)"});
}

TEST(FitsTheTerminal, ChainOfCauses) {
    protocol::Explanation explanation;
    protocol::Link& waiting = explanation.link;
    waiting.service = "web";
    waiting.state = State::Waiting;
    waiting.since = now - 200s;
    protocol::Link& failed = waiting.because.emplace_back();
    failed.service = long_name;
    failed.relation = "requires";
    failed.state = State::Failed;
    failed.cause = cause;
    failed.since = now - 2h;
    expect_fits([&](const Look& look) { return render_explanation(explanation, {}, look); },
                {"failed 2 h ago", "requires", "directory"});
}

TEST(FitsTheTerminal, TableWithLongNames) {
    const protocol::StatusDocument document{
        {}, {service(long_name, State::Failed, cause), service("web", State::Running)}};
    expect_fits([&](const Look& look) { return render_table(document, look); },
                {"nnnn", "failed", "web ", "running", "reevectl why " + long_name});
    EXPECT_THAT(render_table(document, plain(40)), HasSubstr("nnnn...  failed"));
}

}  // namespace
}  // namespace reeve::ctl
