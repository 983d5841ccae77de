#include "config/literal_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>

#include "config/yaml.h"
#include "tests/unit/config/random.h"

namespace reeve::config {
namespace {

using testing::IsEmpty;

Literal text(std::string value) { return {std::move(value)}; }
Literal number(std::int64_t value) { return {value}; }
Literal list(Literal::List items) { return {std::move(items)}; }
Literal map(Literal::Map keys) { return {std::move(keys)}; }

/// Whether what the reader has found means a literal.
bool means(yaml::Value read, const Literal& literal);

struct Means {
    yaml::Value read;

    bool plain(std::string_view wanted) const {
        return read.kind() == yaml::Kind::Scalar && !read.quoted() && read.text() == wanted;
    }
    bool operator()(std::nullptr_t) const { return read.kind() == yaml::Kind::Null; }
    bool operator()(bool truth) const { return plain(truth ? "true" : "false"); }
    bool operator()(std::int64_t n) const { return plain(std::to_string(n)); }
    bool operator()(double wanted) const {
        double found = 0;
        const std::string_view digits = read.text();
        std::from_chars(digits.data(), digits.data() + digits.size(), found);
        return !read.quoted() && found == wanted;
    }
    bool operator()(const std::string& wanted) const {
        return read.kind() == yaml::Kind::Scalar && read.text() == wanted;
    }
    bool operator()(const Literal::List& wanted) const {
        if (read.kind() != yaml::Kind::Sequence || read.size() != wanted.size()) return false;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (!means(read.item(i), wanted[i])) return false;
        }
        return true;
    }
    bool operator()(const Literal::Map& wanted) const {
        if (read.kind() != yaml::Kind::Map || read.size() != wanted.size()) return false;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (read.key(i).text() != wanted[i].first) return false;
            if (!means(read.value(i), wanted[i].second)) return false;
        }
        return true;
    }
};

bool means(yaml::Value read, const Literal& literal) {
    return std::visit(Means{read}, literal.value);
}

void expect_read_back(const Literal& literal, const std::string& yaml) {
    std::vector<Problem> problems;
    const auto document = yaml::parse(yaml, "t.yaml", problems);
    ASSERT_TRUE(document && problems.empty())
        << (problems.empty() ? "" : to_line(problems.front())) << "\n"
        << yaml;
    EXPECT_TRUE(means(document->root(), literal)) << yaml;
}

Literal random_literal(Random& random, int depth) {
    const std::size_t kind = random.under(depth > 3 ? 5 : 9);
    if (kind == 0) return {};
    if (kind == 1) return {random.chance(50)};
    if (kind == 2) return {random.between(-1000, 1'000'000'000'000)};
    if (kind == 3) return {static_cast<double>(random.between(-999, 999)) / 7};
    if (kind < 6) return text(random.text());
    Literal::List items;
    Literal::Map keys;
    for (std::size_t n = random.under(6); n > 0; --n) {
        if (kind == 6) items.push_back(text(random.text()));
        if (kind == 7) items.push_back(random_literal(random, depth + 1));
        if (kind == 8) {
            keys.emplace_back(random.text() + std::to_string(n), random_literal(random, depth + 1));
        }
    }
    return kind == 8 ? map(std::move(keys)) : list(std::move(items));
}

TEST(LiteralYaml, IsReadBackAsItWas) {
    Random random(1);
    for (int i = 0; i < 20'000 && !testing::Test::HasFailure(); ++i) {
        const Literal literal = random_literal(random, 0);
        expect_read_back(literal, to_yaml(literal));
        expect_read_back(literal, to_yaml_line(literal));
    }
}

TEST(LiteralYaml, CarriesKeysOfAnyLength) {
    const Literal literal = map(
        {{std::string(3000, 'k'), number(1)}, {"l", list({map({{std::string(3000, 'm'), {}}})})}});
    expect_read_back(literal, to_yaml(literal));
    expect_read_back(literal, to_yaml_line(literal));
}

TEST(LiteralYaml, QuotesWhatAReaderCouldTakeForSomethingElse) {
    for (const char* word :
         {"null",      "Null",  "~",    "true", "TRUE",       "yes",
          "No",        "ON",    "off",  "y",    "N",          "1",
          "-1",        "+1",    "017",  "0o17", "0x1F",       "0b1",
          "1_000",     "1.5",   "1.",   ".5",   "1e3",        "1E-3",
          ".inf",      "-.INF", ".nan", "1:30", "2026-11-21", "2026-11-21T00:40:00Z",
          "127.0.0.1", "=",     "<<",   "",     " a",         "a ",
          "-",         "- a",   "---",  "...",  "? a",        ": a",
          "a: b",      "a:",    "a #b", "#a",   "@a",         "`a",
          "%a",        "&a",    "*a",   "!a",   "|",          ">",
          "'a'",       "[a",    "{a"}) {
        EXPECT_EQ(to_yaml(text(word)).front(), '"') << word;
    }
    EXPECT_EQ(to_yaml(text("'a'")), "\"'a'\"\n");
}

TEST(LiteralYaml, LeavesWordsPlain) {
    for (const char* word : {"sh",
                             "-c",
                             "--port",
                             "-/etc/app.env",
                             "/usr/bin/app",
                             "./app",
                             "10s",
                             "1h30m",
                             "2d",
                             "250.5ms",
                             "16MiB",
                             "10%",
                             "never",
                             "on-failure",
                             "SIGTERM",
                             "RTMIN+3",
                             "daemon off;",
                             "a:b",
                             "$$HOME",
                             "0s",
                             "1024:unlimited",
                             "gr\xc3\xbc\xc3\x9f"}) {
        EXPECT_EQ(to_yaml(text(word)), std::string(word) + "\n");
    }
    // Within brackets more has a meaning.
    EXPECT_EQ(to_yaml(list({text("a"), text("a:b"), text("a,b"), text("a]"), text("daemon off;")})),
              "[a, \"a:b\", \"a,b\", \"a]\", daemon off;]\n");
}

TEST(LiteralYaml, EscapesWhatNoEditorShows) {
    EXPECT_EQ(to_yaml(text("a\tb\\\"\x01\x7f\xc2\x85\xe2\x80\xa8\xef\xbb\xbf")),
              "\"a\\tb\\\\\\\"\\x01\\x7f\\x85\\u2028\\ufeff\"\n");
    EXPECT_EQ(to_yaml(text("a\xff")), "\"a\xef\xbf\xbd\"\n") << "a file holds nothing but UTF-8";
}

TEST(LiteralYaml, EscapesWhatTurnsTheDirectionOfWritingOrIsInvisible) {
    const Literal misleading = text("a\xe2\x80\xae\xc2\xad\xf3\xa0\x81\x81z");
    EXPECT_EQ(to_yaml(misleading), "\"a\\u202e\\xad\\U000e0041z\"\n");
    expect_read_back(misleading, to_yaml(misleading));
}

TEST(LiteralYaml, IsLaidOutForPeople) {
    const Literal literal = map({
        {"command", list({text("sh"), text("-c"), text("echo hi")})},
        {"enabled", {false}},
        {"nice", number(-5)},
        {"backoff", map({{"factor", {1.5}}, {"initial", text("200ms")}})},
        {"reload", map({})},
        {"groups", list({})},
        {"stdin", {}},
        {"pre_start", list({list({text("mkdir"), text("x")}),
                            map({{"command", list({text("true")})}, {"timeout", text("5s")}})})},
        {"stop",
         map({{"command", list({text("sh"), text("-c"), text("set -e\n\n# stop\nkill 1\n")})}})},
        {"description", text("first\nsecond")},
    });
    EXPECT_EQ(to_yaml(literal), R"(command: [sh, -c, echo hi]
enabled: false
nice: -5
backoff:
  factor: 1.5
  initial: 200ms
reload: {}
groups: []
stdin: null
pre_start:
  - [mkdir, x]
  - command: ["true"]
    timeout: 5s
stop:
  command:
    - sh
    - -c
    - |
      set -e

      # stop
      kill 1
description: |-
  first
  second
)");
    EXPECT_EQ(to_yaml_line(map({{"tcp", text("[::1]:80")}, {"interval", text("1s")}})),
              "{tcp: \"[::1]:80\", interval: 1s}");
}

TEST(LiteralYaml, BreaksAListThatDoesNotFitIntoTheWidth) {
    const std::string word(89, 'x');
    EXPECT_EQ(to_yaml(map({{"command", list({text(word)})}})), "command: [" + word + "]\n");
    EXPECT_EQ(to_yaml(map({{"command", list({text(word + "y")})}})),
              "command:\n  - " + word + "y\n");
    EXPECT_EQ(to_yaml(list({text(word + word)})), "- " + word + word + "\n");
    std::string letters;
    for (int i = 0; i < 89; ++i) letters += "\xc3\xa4";
    EXPECT_EQ(to_yaml(map({{"command", list({text(letters)})}})), "command: [" + letters + "]\n")
        << "a width is of characters";
}

TEST(DefinitionDocument, HoldsServicesByName) {
    EXPECT_EQ(definition_document({{"web", map({{"command", list({text("serve")})}})},
                                   {"0x1", map({{"nice", number(1)}})}}),
              "version: 1\nservices:\n  web:\n    command: [serve]\n  \"0x1\":\n    nice: 1\n");
    EXPECT_EQ(definition_document({}), "version: 1\nservices: {}\n");
}

}  // namespace
}  // namespace reeve::config
