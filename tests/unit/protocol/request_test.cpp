#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

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

TEST(Request, ComesBackAsItWasSent) {
    const std::vector<Request> requests = {
        {std::int64_t{1}, Hello{"reevectl 0.1.0", 1}},
        {"a \"quoted\" id\n\x7f", StatusQuery{{"web", "db*", "@all"}, true, true}},
        {std::int64_t{-7}, StatusQuery{}},
        {std::int64_t{3}, Command{Verb::Start, {"web"}, true, std::nullopt}},
        {std::int64_t{4}, Command{Verb::Stop, {"*"}, false, 1500ms}},
        {std::int64_t{5}, Command{Verb::Restart, {"w\xc3\xa9"}, true, 0ms}},
        {std::int64_t{6}, Command{Verb::Reload, {"a", "b"}, true, 1h}},
        {std::int64_t{8}, Shutdown{}},
        {std::int64_t{9}, VersionQuery{}},
    };
    for (const Request& request : requests) {
        const std::string line = encode_request(request);
        EXPECT_EQ(line.find('\n'), line.size() - 1);
        const auto parsed = parse_request(line);
        ASSERT_TRUE(parsed) << line << parsed.error().failure.message;
        EXPECT_EQ(*parsed, request) << line;
    }
}

TEST(Request, HasDefaultsForWhatIsLeftOut) {
    const auto status = parse_request(R"({"jsonrpc":"2.0","id":1,"method":"status"})");
    ASSERT_TRUE(status);
    EXPECT_EQ(std::get<StatusQuery>(status->call), (StatusQuery{{}, false, false}));
    const auto start = parse_request(call("start", R"({"names":["web"],"timeout":null})"));
    ASSERT_TRUE(start);
    EXPECT_EQ(std::get<Command>(start->call), (Command{Verb::Start, {"web"}, true, std::nullopt}));
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
    };
    for (const auto& [method, params] : calls) {
        EXPECT_EQ(refused(call(method, params)).code, ErrorCode::InvalidParams) << params;
    }
    EXPECT_THAT(refused(call("status", R"({"nmaes":[]})")).message,
                HasSubstr("did you mean names?"));
    EXPECT_THAT(refused(call("status", R"({"names":["a",1]})")).message,
                HasSubstr("params.names[1]"));
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

TEST(Request, OfRandomBytesNeverThrows) {
    std::mt19937 random(1);
    const std::string valid =
        encode_request({std::int64_t{4}, Command{Verb::Stop, {"web", "db"}, false, 1500ms}});
    for (int i = 0; i < 20'000; ++i) {
        std::string line = valid;
        const std::size_t edits = random() % 6;
        for (std::size_t e = 0; e < edits; ++e) {
            line[random() % line.size()] = static_cast<char>(random());
        }
        if (random() % 4 == 0) line.resize(random() % line.size());
        const auto request = parse_request(line);
        if (!request) {
            const std::string answer = encode_error(request.error());
            EXPECT_TRUE(parse_answer<Accepted>(answer)) << answer;
        }
    }
}

}  // namespace
}  // namespace reeve::protocol
