#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <fstream>
#include <map>
#include <set>

#include "base/overloaded.h"
#include "ctl/protocol/call_json.h"
#include "tests/unit/protocol/examples.h"

namespace reeve::protocol {
namespace {

namespace json = boost::json;

/// The messages in docs/protocol.md: each begins a line with an arrow, or follows one and is
/// indented.
std::vector<std::string> examples() {
    std::ifstream file(REEVE_SOURCE_DIR "/docs/protocol.md");
    std::vector<std::string> found;
    bool within = false;
    for (std::string line; std::getline(file, line);) {
        const bool begins = line.starts_with("--> {") || line.starts_with("<-- {");
        within = begins || (within && line.starts_with("    "));
        if (begins) found.emplace_back();
        if (within) found.back() += line;
    }
    return found;
}

/// Whether both sides say the same, whatever the order of the members.
bool same(const std::string& a, const std::string& b) { return json::parse(a) == json::parse(b); }

template <typename T>
void expect_complete_answer(const std::string& text) {
    const auto answer = parse_answer<T>(text);
    ASSERT_TRUE(answer) << answer.error().message << "\n" << text;
    ASSERT_TRUE(std::holds_alternative<Reply<T>>(*answer)) << text;
    const auto& reply = std::get<Reply<T>>(*answer);
    ASSERT_TRUE(reply.id) << text;
    const std::string encoded =
        std::visit(Overloaded{[&](const T& body) { return encode_result(*reply.id, body); },
                              [&](const Failure& f) { return encode_error(*reply.id, f); }},
                   reply.body);
    EXPECT_TRUE(same(text, encoded)) << text << "\nis on the wire\n" << encoded;
}

/// Checks what answers a call.
void expect_answer_to(const Call& call, const std::string& text) {
    const auto expect_accepted = [&] { expect_complete_answer<Accepted>(text); };
    std::visit(Overloaded{
                   [&](const Hello&) { expect_complete_answer<Welcome>(text); },
                   [&](const StatusQuery&) { expect_complete_answer<StatusDocument>(text); },
                   [&](const Rehearse&) { expect_complete_answer<Rehearsal>(text); },
                   [&](const DiffQuery&) { expect_complete_answer<ConfigurationDiff>(text); },
                   [&](const Apply&) { expect_complete_answer<Applied>(text); },
                   [&](const DefinitionQuery&) { expect_complete_answer<Definitions>(text); },
                   [&](const WhyQuery&) { expect_complete_answer<Explanation>(text); },
                   [&](const FailuresQuery&) { expect_complete_answer<Failures>(text); },
                   [&](const RunsQuery&) { expect_complete_answer<Runs>(text); },
                   [&](const EventsQuery&) { expect_complete_answer<EventList>(text); },
                   [&](const Subscribe&) { expect_accepted(); },
                   [&](const Reopen&) { expect_accepted(); },
                   [&](const Shutdown&) { expect_accepted(); },
                   [&](const Upgrade&) { expect_complete_answer<Upgraded>(text); },
                   [&](const VersionQuery&) { expect_complete_answer<VersionInfo>(text); },
                   [&](const auto&) { expect_complete_answer<Outcome>(text); },
               },
               call);
}

/// Checks a notification and gives its kind.
std::string expect_notice(const std::string& text) {
    const auto answer = parse_answer<Accepted>(text);
    if (!answer) {
        ADD_FAILURE() << answer.error().message << "\n" << text;
        return {};
    }
    if (const auto* event = std::get_if<Event>(&*answer)) {
        EXPECT_TRUE(same(text, encode_event(*event))) << text;
        return std::string(to_string(event->kind));
    }
    const auto* touches = std::get_if<Touches>(&*answer);
    EXPECT_TRUE(touches != nullptr && same(text, encode_touches(*touches))) << text;
    return "touches";
}

TEST(Document, ShowsEveryMessageWithAllItsMembers) {
    std::map<Id, Call> asked;
    std::set<std::size_t> calls;
    std::set<std::string> notices;
    for (const std::string& example : examples()) {
        const std::string text = example.substr(4);
        if (example.starts_with("-->")) {
            const auto request = parse_request(text);
            ASSERT_TRUE(request) << request.error().failure.message << "\n" << text;
            asked.insert_or_assign(request->id, request->call);
            calls.insert(request->call.index());
        } else if (const json::value message = json::parse(text);
                   message.as_object().contains("method")) {
            notices.insert(expect_notice(text));
        } else {
            const Id id = message.at("id").as_int64();
            ASSERT_TRUE(asked.contains(id)) << text;
            expect_answer_to(asked.at(id), text);
        }
    }
    EXPECT_EQ(calls.size(), std::variant_size_v<Call>) << "there is a call without an example";
    EXPECT_EQ(notices, (std::set<std::string>{"configuration", "lost", "removed", "shutdown",
                                              "snapshot", "state", "touches"}));
}

/// What docs/protocol.md has below the heading that begins a method's section, up to the next
/// heading. Methods that take the same share one: "### start, stop, restart, reload".
std::string section_of(const std::string& method) {
    std::ifstream file(REEVE_SOURCE_DIR "/docs/protocol.md");
    std::string section;
    bool within = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("#")) {
            within = line.starts_with("### ") &&
                     (", " + line.substr(4) + ",").find(", " + method + ",") != std::string::npos;
        } else if (within) {
            section += line + "\n";
        }
    }
    return section;
}

TEST(Document, NamesEveryMethodWithItsParams) {
    std::set<std::string> described;
    for (const Call& call : every_call()) {
        const json::value request = json::parse(encode_request({Id(), call}));
        const std::string method(request.at("method").as_string());
        const std::string section = section_of(method);
        EXPECT_NE(section, "") << method;
        described.insert(method);
        for (const auto& param : request.at("params").as_object()) {
            const std::string row = "| `" + std::string(param.key()) + "` |";
            EXPECT_NE(section.find(row), std::string::npos) << method << " " << row;
        }
    }
    for (const std::string_view method : all_methods()) {
        EXPECT_TRUE(described.contains(std::string(method))) << method;
    }
}

}  // namespace
}  // namespace reeve::protocol
