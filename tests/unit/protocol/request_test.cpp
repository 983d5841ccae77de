#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ctl/protocol/message.h"

namespace reeve::protocol {
namespace {

using testing::HasSubstr;

Failure refused(const std::string& line) {
    const auto request = parse_request(line);
    EXPECT_FALSE(request) << line;
    return request ? Failure{} : request.error().failure;
}

std::string call(const std::string& method, const std::string& params) {
    return R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":)" + params + "}";
}

TEST(Request, HasDefaultsForWhatIsLeftOut) {
    const auto status = parse_request(R"({"jsonrpc":"2.0","id":1,"method":"status"})");
    ASSERT_TRUE(status);
    EXPECT_EQ(std::get<StatusQuery>(status->call), (StatusQuery{{}, false, false}));
    const auto start = parse_request(call("start", R"({"names":["web"],"timeout":null})"));
    ASSERT_TRUE(start);
    EXPECT_EQ(std::get<Command>(start->call), (Command{Verb::Start, {"web"}, true, std::nullopt}));
    const auto wait = parse_request(call("wait", R"({"names":["web"]})"));
    ASSERT_TRUE(wait);
    EXPECT_EQ(std::get<WaitFor>(wait->call), (WaitFor{{"web"}, Until::Ready, std::nullopt}));
    const auto apply = parse_request(call("apply", "{}"));
    ASSERT_TRUE(apply);
    EXPECT_EQ(std::get<Apply>(apply->call), (Apply{true, std::nullopt}));
    const auto events = parse_request(call("events", R"({"limit":null})"));
    ASSERT_TRUE(events);
    EXPECT_EQ(std::get<EventsQuery>(events->call), EventsQuery{});
}

TEST(Request, KeepsItsIdWhenItIsRefused) {
    const auto request = parse_request(R"({"jsonrpc":"2.0","id":"x","method":"stop"})");
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().id, Id("x"));
    EXPECT_EQ(request.error().failure.code, ErrorCode::InvalidParams);
    EXPECT_THAT(encode_error(request.error()), HasSubstr(R"("id":"x","error":{"code":-32602)"));
}

TEST(Request, ThatIsNoJsonIsAParseError) {
    for (const std::string line : {"", " ", "{", "GET / HTTP/1.1", R"({"jsonrpc":"2.0",})",
                                   R"({"a":1} {"b":2})", "\xff\xfe", R"({"id":"\ud800"})"}) {
        EXPECT_EQ(refused(line).code, ErrorCode::ParseError) << line;
    }
    EXPECT_THAT(refused("{} {}").message, HasSubstr("more than one JSON text"));
}

TEST(Request, ThatIsNoEnvelopeIsInvalid) {
    for (const std::string line :
         {"1", "null", "\"x\"", "{}", R"({"jsonrpc":"1.0","id":1,"method":"status"})",
          R"({"jsonrpc":2.0,"id":1,"method":"status"})", R"({"jsonrpc":"2.0","method":"status"})",
          R"({"jsonrpc":"2.0","id":null,"method":"status"})",
          R"({"jsonrpc":"2.0","id":1.5,"method":"status"})",
          R"({"jsonrpc":"2.0","id":[],"method":"status"})",
          R"({"jsonrpc":"2.0","id":18446744073709551615,"method":"status"})",
          R"({"jsonrpc":"2.0","id":1,"method":5})", R"({"jsonrpc":"2.0","id":1})"}) {
        EXPECT_EQ(refused(line).code, ErrorCode::InvalidRequest) << line;
    }
    EXPECT_THAT(refused(R"({"jsonrpc":"2.0","id":1,"method":"status","parms":{}})").message,
                HasSubstr("did you mean params?"));
}

TEST(Request, OfABatchIsRefusedByName) {
    EXPECT_THAT(refused(R"([{"jsonrpc":"2.0","id":1,"method":"status"}])").message,
                HasSubstr("batches are not supported"));
}

TEST(Request, OfAnUnknownMethodNamesTheNearest) {
    const Failure failure = refused(call("statsu", "{}"));
    EXPECT_EQ(failure.code, ErrorCode::NoSuchMethod);
    EXPECT_THAT(failure.message, HasSubstr("did you mean status?"));
    EXPECT_EQ(refused(call(std::string(100'000, 'x'), "{}")).code, ErrorCode::NoSuchMethod);
}

TEST(Request, WithParamsThatDoNotFitIsRefused) {
    const std::vector<std::pair<std::string, std::string>> calls = {
        {"status", "[]"},
        {"status", "null"},
        {"status", R"({"names":"web"})"},
        {"status", R"({"names":[1]})"},
        {"status", R"({"names":null})"},
        {"status", R"({"resources":1})"},
        {"status", R"({"nmaes":[]})"},
        {"start", "{}"},
        {"start", R"({"names":[]})"},
        {"stop", R"({"names":["web"],"wait":"yes"})"},
        {"stop", R"({"names":["web"],"timeout":"10s"})"},
        {"stop", R"({"names":["web"],"timeout":-1})"},
        {"stop", R"({"names":["web"],"timeout":1e300})"},
        {"restart", R"({"names":["web"],"no_wait":true})"},
        {"hello", "{}"},
        {"hello", R"({"client":"x","protocol":1.5})"},
        {"hello", R"({"client":"x","protocol":99999999999999999999})"},
        {"shutdown", R"({"now":true})"},
        {"version", R"({"":1})"},
        {"rehearse", R"({"names":["web"]})"},
        {"rehearse", R"({"verb":"kill","names":["web"]})"},
        {"rehearse", R"({"verb":"start"})"},
        {"kill", R"({"signal":"TERM"})"},
        {"reset-failed", R"({"names":[]})"},
        {"enable", "{}"},
        {"disable", R"({"names":["web"],"now":true})"},
        {"wait", R"({"for":"ready"})"},
        {"wait", R"({"names":["web"],"for":"running"})"},
        {"wait", R"({"names":["web"],"for":"Ready"})"},
        {"wait", R"({"names":["web"],"for":null})"},
        {"wait", R"({"names":["web"],"timeout":9000000001})"},
        {"diff", R"({"names":[]})"},
        {"apply", R"({"wait":0})"},
        {"apply", R"({"timeout":[]})"},
        {"definition", R"({"names":[["web"]]})"},
        {"why", "{}"},
        {"why", R"({"name":["web"]})"},
        {"why", R"({"names":["web"]})"},
        {"failures", R"({"names":{}})"},
        {"events", R"({"limit":-1})"},
        {"events", R"({"limit":1.5})"},
        {"subscribe", R"({"history":"all"})"},
        {"subscribe", R"({"history":9223372036854775808})"},
        {"reopen", R"({"x":1})"},
    };
    for (const auto& [method, params] : calls) {
        EXPECT_EQ(refused(call(method, params)).code, ErrorCode::InvalidParams) << params;
    }
    EXPECT_THAT(refused(call("status", R"({"nmaes":[]})")).message,
                HasSubstr("did you mean names?"));
    EXPECT_THAT(refused(call("status", R"({"names":["a",1]})")).message,
                HasSubstr("params.names[1]"));
    EXPECT_THAT(refused(call("why", R"({"nam":"web"})")).message, HasSubstr("did you mean name?"));
    EXPECT_EQ(refused(call("wait", R"({"names":["web"],"for":"up"})")).message,
              "params.for must be ready, stopped, failed or done");
}

TEST(Request, ToKillTakesASignalByNameOrNumber) {
    const auto signal_of = [](const std::string& signal) {
        const auto request = parse_request(call("kill", R"({"names":["web"])" + signal + "}"));
        return request ? std::get<Kill>(request->call).signal : -1;
    };
    EXPECT_EQ(signal_of(""), SIGTERM);
    EXPECT_EQ(signal_of(R"(,"signal":"SIGHUP")"), SIGHUP);
    EXPECT_EQ(signal_of(R"(,"signal":"HUP")"), SIGHUP);
    EXPECT_EQ(signal_of(R"(,"signal":"1")"), SIGHUP);
    EXPECT_EQ(signal_of(R"(,"signal":1)"), SIGHUP);
    EXPECT_EQ(signal_of(R"(,"signal":"RTMIN+3")"), SIGRTMIN + 3);
    for (const std::string none :
         {"0", "-9", "65", "32", "9.0", "9223372036854775807", "1e2", "null", "[9]", "true", "\"\"",
          "\"SIGTREM\"", "\"sigterm\"", "\"SIGRTMIN+99\"", "\"TERM\\u0000\""}) {
        EXPECT_EQ(signal_of(",\"signal\":" + none), -1) << none;
    }
    EXPECT_EQ(refused(call("kill", R"({"names":["web"],"signal":0})")).message,
              "params.signal must be the name or number of a signal");
}

TEST(Request, IsRefusedWhenNestedTooDeep) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_EQ(refused(nested(max_nesting)).code, ErrorCode::InvalidRequest);
    EXPECT_EQ(refused(nested(max_nesting + 1)).code, ErrorCode::ParseError);
    EXPECT_THAT(refused(std::string(1'000'000, '[')).message, HasSubstr("deep"));
}

TEST(Request, IsRefusedWhenTooLong) {
    const std::string name(max_request_size, 'x');
    EXPECT_THAT(refused(call("start", R"({"names":[")" + name + R"("]})")).message,
                HasSubstr("longer than"));
    const std::string most(max_request_size - call("start", R"({"names":[""]})").size(), 'x');
    EXPECT_TRUE(parse_request(call("start", R"({"names":[")" + most + R"("]})") + "\n"));
}

}  // namespace
}  // namespace reeve::protocol
