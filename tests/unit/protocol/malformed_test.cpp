#include <gtest/gtest.h>

#include <array>
#include <random>

#include "tests/unit/protocol/examples.h"

namespace reeve::protocol {
namespace {

/// Spoils a line in the ways in which lines are spoilt: cut, overwritten, or with a value in it
/// that is of another kind than it should be.
class Spoiler {
  public:
    std::string spoil(std::string line) {
        switch (random_() % 3) {
            case 0:
                line.resize(random_() % line.size());
                break;
            case 1:
                for (std::size_t n = 1 + random_() % 5; n > 0; --n) {
                    line[random_() % line.size()] = static_cast<char>(random_());
                }
                break;
            case 2:
                for (std::size_t n = 1 + random_() % 2; n > 0; --n) exchange_value(line);
                break;
        }
        return line;
    }

  private:
    void exchange_value(std::string& line) {
        static constexpr std::array<std::string_view, 14> values = {
            "null",  "true", "-1", "0.5", "1e999", "18446744073709551615", "-9223372036854775808",
            "\"x\"", "\"\"", "[]", "{}",  "[1]",   R"({"x":[]})",          R"("\ud800")"};
        const std::size_t begin = line.find_first_of(":[,", random_() % line.size());
        if (begin == std::string::npos) return;
        const std::size_t end = line.find_first_of(",]}", begin + 1);
        if (end == std::string::npos) return;
        line.replace(begin + 1, end - begin - 1, values[random_() % values.size()]);
    }

    std::mt19937 random_{7};
};

constexpr int rounds = 3000;

TEST(Malformed, RequestsAreAnsweredWhateverIsWrongWithThem) {
    Spoiler spoiler;
    for (const Call& call : every_call()) {
        const std::string valid = encode_request({Id(std::int64_t{4}), call});
        for (int i = 0; i < rounds; ++i) {
            const std::string line = spoiler.spoil(valid);
            const auto request = parse_request(line);
            if (request) {
                EXPECT_TRUE(parse_request(encode_request(*request))) << line;
                continue;
            }
            const std::string answer = encode_error(request.error());
            EXPECT_TRUE(parse_answer<Accepted>(answer)) << answer;
        }
        for (std::size_t length = 0; length + 1 < valid.size(); ++length) {
            EXPECT_FALSE(parse_request(std::string_view(valid).substr(0, length)));
        }
    }
}

template <typename T>
void try_many(Spoiler& spoiler, const std::string& valid) {
    for (int i = 0; i < rounds; ++i) (void)parse_answer<T>(spoiler.spoil(valid));
    // Long ones are sampled: each cut costs what parsing them costs.
    const std::size_t step = 1 + valid.size() / 3000;
    for (std::size_t length = 0; length + 1 < valid.size(); length += step) {
        EXPECT_FALSE(parse_answer<T>(std::string_view(valid).substr(0, length)));
    }
}

TEST(Malformed, ResultsNeverThrow) {
    Spoiler spoiler;
    with_every_result([&](const auto& body) {
        try_many<std::decay_t<decltype(body)>>(spoiler, encode_result(Id("x"), body));
    });
}

TEST(Malformed, NoticesAndErrorsNeverThrow) {
    Spoiler spoiler;
    for (const Event& event : every_event()) try_many<Accepted>(spoiler, encode_event(event));
    try_many<Outcome>(spoiler, encode_touches(touches()));
    try_many<Outcome>(spoiler, encode_error(Id("x"), no_such_service("wbe", "web")));
}

TEST(Malformed, AnswersNestedWithoutEndAreRefused) {
    const auto nested = [](std::string_view open, std::size_t depth) {
        std::string line = R"({"jsonrpc":"2.0","id":1,"result":)";
        for (std::size_t i = 0; i < depth; ++i) line += open;
        return line;
    };
    EXPECT_FALSE(parse_answer<Explanation>(nested(R"({"because":[)", 100'000)));
    EXPECT_FALSE(parse_answer<Definitions>(nested(R"({"services":)", 100'000)));
    EXPECT_FALSE(parse_answer<StatusDocument>(nested("[", 1'000'000)));
}

}  // namespace
}  // namespace reeve::protocol
