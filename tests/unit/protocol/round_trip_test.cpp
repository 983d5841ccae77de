#include <gtest/gtest.h>

#include <set>

#include "tests/unit/protocol/examples.h"

namespace reeve::protocol {
namespace {

void expect_one_line(const std::string& text) {
    EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
}

TEST(RoundTrip, OfEveryCallGivesTheSame) {
    std::set<std::size_t> seen;
    for (const Call& call : every_call()) {
        for (const Id& id : {Id(std::int64_t{-7}), Id("a \"quoted\" id\n\x7f")}) {
            const Request request{id, call};
            const std::string line = encode_request(request);
            expect_one_line(line);
            const auto parsed = parse_request(line);
            ASSERT_TRUE(parsed) << line << parsed.error().failure.message;
            EXPECT_EQ(*parsed, request) << line;
        }
        seen.insert(call.index());
    }
    EXPECT_EQ(seen.size(), std::variant_size_v<Call>) << "there is a call without an example";
}

TEST(RoundTrip, OfEveryResultGivesTheSame) {
    with_every_result([](const auto& body) {
        using T = std::decay_t<decltype(body)>;
        const std::string line = encode_result(Id("id"), body);
        expect_one_line(line);
        const auto answer = parse_answer<T>(line);
        ASSERT_TRUE(answer) << answer.error().message << "\n" << line;
        const auto& reply = std::get<Reply<T>>(*answer);
        EXPECT_EQ(reply.id, Id("id"));
        EXPECT_EQ(std::get<T>(reply.body), body) << line;
    });
}

TEST(RoundTrip, OfEveryNoticeGivesTheSameWhateverIsAwaited) {
    for (const Event& event : every_event()) {
        const std::string line = encode_event(event);
        expect_one_line(line);
        const auto answer = parse_answer<Accepted>(line);
        ASSERT_TRUE(answer) << answer.error().message << "\n" << line;
        EXPECT_EQ(std::get<Event>(*answer), event) << line;
    }
    const std::string line = encode_touches(touches());
    expect_one_line(line);
    const auto answer = parse_answer<StatusDocument>(line);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(std::get<Touches>(*answer), touches());
}

TEST(RoundTrip, OfEveryErrorGivesTheSame) {
    for (const ErrorCode code :
         {ErrorCode::Failed, ErrorCode::NotRunning, ErrorCode::NoSuchService, ErrorCode::NotAllowed,
          ErrorCode::TimedOut, ErrorCode::ParseError, ErrorCode::InvalidRequest,
          ErrorCode::NoSuchMethod, ErrorCode::InvalidParams}) {
        const Failure failure{code, "no \"such\" thing", {"a", "b"}, std::nullopt};
        const auto answer = parse_answer<Outcome>(encode_error(Id(std::int64_t{5}), failure));
        ASSERT_TRUE(answer) << answer.error().message;
        const auto& reply = std::get<Reply<Outcome>>(*answer);
        EXPECT_EQ(reply.id, Id(std::int64_t{5}));
        EXPECT_EQ(std::get<Failure>(reply.body), failure);
    }
}

TEST(RoundTrip, OfEverySignalGivesTheSame) {
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        FailureRecord record;
        record.signal = signal;
        const Failures killed{{record}};
        const auto answer = parse_answer<Failures>(encode_result(Id(), killed));
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(std::get<Failures>(std::get<Reply<Failures>>(*answer).body), killed);
        if (!signal_number(signal_name(signal))) continue;  // nobody can ask for these
        const Request request{Id(), Kill{{"x"}, signal, false}};
        const auto parsed = parse_request(encode_request(request));
        ASSERT_TRUE(parsed) << parsed.error().failure.message;
        EXPECT_EQ(*parsed, request);
    }
}

TEST(RoundTrip, EndsAChainThatIsLongerThanAnybodyReads) {
    const auto answer = parse_answer<Explanation>(encode_result(Id(), a_chain(1000)));
    ASSERT_TRUE(answer) << answer.error().message;
    const auto& body = std::get<Reply<Explanation>>(*answer).body;
    std::size_t links = 1;
    for (const Link* at = &std::get<Explanation>(body).link; !at->because.empty(); ++links) {
        at = &at->because.front();
    }
    EXPECT_EQ(links, max_chain);
}

}  // namespace
}  // namespace reeve::protocol
